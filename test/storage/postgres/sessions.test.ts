/** Poolers between a process and the database: those in transaction mode are refused at the start and by the doctor. */
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import { examine } from '../../../src/cli/commands/serve/doctor/examine.ts';
import { readMachine } from '../../../src/cli/commands/serve/doctor/machine.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { readSettings } from '../../../src/service/settings/environment.ts';
import { requireSessions } from '../../../src/storage/postgres/cluster/examine-database.ts';
import { requireUsable } from '../../../src/storage/postgres/upkeep/inspect.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { FlakyProxy } from '../../fixture/network/flaky-proxy.ts';
import { type Pooler, startPooler } from '../../fixture/network/transaction-pooler.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';

const REFUSAL = { code: 'invalid_argument', message: expect.stringContaining('pool_mode = session') };

let pooler: Pooler | null = null;
afterEach(async () => {
  await pooler?.close();
  pooler = null;
});

describeWithPostgres('a pooler in front of the database', () => {
  it('is refused if it shares connections between transactions, however many it has', async () => {
    for (const size of [3, 8]) {
      const url = await openPostgres();
      pooler = await startPooler(url, 'transaction', size);
      await expect(requireUsable(pooler.url)).rejects.toMatchObject(REFUSAL);
      await pooler.close();
    }
  });

  it('is named by the doctor', async () => {
    pooler = await startPooler(await openPostgres(), 'transaction', 4);
    const settings = readSettings({
      ...{ METAHEAC_PORT: '0', METAHEAC_CACHE: temporaryFolder() },
      ...{ METAHEAC_STORE: pooler.url, METAHEAC_BLOBS: pathToFileURL(temporaryFolder()).href },
    });
    const all = await examine({ settings, machine: readMachine(), clock: systemClock, userId: null });
    expect(all.find(({ check }) => check === 'database')).toMatchObject({
      ...{ status: 'failed', detail: REFUSAL.message },
    });
  });

  it('passes if each session has a connection of its own, and leaves none behind', async () => {
    const url = await openPostgres();
    pooler = await startPooler(url, 'session', 4);
    await expect(requireSessions(pooler.url)).resolves.toBeUndefined();
    // its connections are free again
    const clients = Array.from({ length: 4 }, () => new pg.Client({ connectionString: pooler!.url }));
    for (const client of clients) {
      await client.connect();
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    }
    for (const client of clients) await client.end();
  });

  it('is not looked for with more than one connection if there is none', async () => {
    const url = new URL(await openPostgres());
    const proxy = await FlakyProxy.start({ host: url.hostname, port: Number(url.port) }, createRng('sessions'));
    url.host = `${proxy.host}:${proxy.port}`;
    await expect(requireSessions(url.href)).resolves.toBeUndefined();
    expect(proxy.opened).toBe(1);
    await proxy.close();
  });
});
