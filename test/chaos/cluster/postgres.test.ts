/** The server of Postgres of a chaos run keeps its rows over a restart. */
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasPostgres } from '../../../src/demo/postgres-server.ts';
import { newFolder } from '../../fixture/folders.ts';
import { RestartablePostgres } from './postgres.ts';

describe.skipIf(!hasPostgres() && !process.env['CI'])('RestartablePostgres', () => {
  it('ends all sessions, keeps its rows and its port, and does not run after the end', {
    timeout: 60_000,
  }, async () => {
    const folder = newFolder();
    // another user must be able to enter it
    for (const one of [folder, dirname(folder)]) chmodSync(one, 0o755);
    const postgres = await RestartablePostgres.start(join(folder, 'postgres'));
    onTestFinished(() => postgres.stop());
    await postgres.query('CREATE TABLE kept AS SELECT 7 AS number');
    const cut = postgres.query('SELECT pg_sleep(60)').catch((error: Error) => error.message);
    await postgres.query('SELECT 1');
    await postgres.restart();
    // the server's last words may be lost with the connection
    expect(await cut).toMatch(/terminat|ECONNRESET/);
    expect(await postgres.query('SELECT number FROM kept')).toEqual([{ number: 7 }]);
    await postgres.stop();
    await expect(postgres.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });
});
