/** The doctor of a cluster: what works is fine, and each harm is found, without secrets. */
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { examine } from '../../src/cli/commands/serve/doctor/examine.ts';
import type { Finding } from '../../src/cli/commands/serve/doctor/finding.ts';
import { readMachine } from '../../src/cli/commands/serve/doctor/machine.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readSettings } from '../../src/service/settings/environment.ts';
import { openDatabase } from '../../src/storage/postgres/database/database.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../fixture/postgres.ts';
import { startOwnS3, type TestS3 } from '../fixture/s3.ts';

const PORT = { METAHEAC_PORT: '0' };

let s3: TestS3;
const before = { ...process.env };
beforeAll(async () => {
  s3 = await startOwnS3();
  process.env['AWS_ACCESS_KEY_ID'] = s3.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.credentials.secretAccessKey;
});
afterAll(async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  await s3?.close();
});

const ofS3 = () => `s3://${s3.bucket}/doctor?endpoint=${s3.endpoint}`;

async function examined(environment: Readonly<Record<string, string>>): Promise<readonly Finding[]> {
  const settings = readSettings({ ...PORT, METAHEAC_CACHE: temporaryFolder(), ...environment });
  return examine({ settings, machine: readMachine(), clock: systemClock, userId: process.getuid?.() ?? null });
}
const statusOf = (all: readonly Finding[], check: string) => all.find((one) => one.check === check)?.status;

describeWithPostgres('the doctor of a cluster', () => {
  it('finds a new database and a storage fine, and says what is missing before the first start', async () => {
    const url = await openPostgres();
    const all = await examined({ METAHEAC_STORE: url, METAHEAC_BLOBS: ofS3() });
    for (const check of ['database', 'rights', 'connections', 'clock', 'object storage', 'bucket'])
      expect([check, statusOf(all, check)]).toEqual([check, 'ok']);
    expect(['ok', 'warning']).toContain(statusOf(all, 'cache'));
    expect(all.find(({ check }) => check === 'served versions')).toMatchObject({
      status: 'failed',
      advice: expect.stringContaining('--model and --population'),
    });
    expect(JSON.stringify(all)).not.toContain('only-on-loopback');
    // nothing was made
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(`SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'`);
    await client.end();
    expect(rows[0].n).toBe(0);
  });

  it('shows the versions that a cluster serves', async () => {
    const url = await openPostgres();
    const database = await openDatabase(url);
    const models = JSON.stringify([{ version: 'abcdefabcdef', activatedAt: null, check: null }]);
    await database.run('INSERT INTO served (epoch, population, models) VALUES (1, @population, @models)', {
      population: '012345678901',
      models,
    });
    await database.close();
    const blobs = pathToFileURL(temporaryFolder()).href;
    const all = await examined({ METAHEAC_STORE: url, METAHEAC_BLOBS: blobs });
    expect(all.find(({ check }) => check === 'served versions')).toMatchObject({
      status: 'ok',
      detail: 'model abcdefabcdef, population 012345678901',
    });
    expect(all.find(({ check }) => check === 'members')?.detail).toBe('0 nodes and 0 engines');
  });

  it('says why a database, a storage or a setting cannot be used, without passwords', async () => {
    const lost = await examined({
      METAHEAC_STORE: 'postgres://metaheac:planted-secret@127.0.0.1:1/metaheac',
      METAHEAC_BLOBS: `s3://no-such-bucket/x?endpoint=${s3.endpoint}`,
    });
    expect(statusOf(lost, 'database')).toBe('failed');
    expect(statusOf(lost, 'object storage')).toBe('failed');
    expect(JSON.stringify(lost)).not.toContain('planted');
    const half = await examined({ METAHEAC_STORE: 'postgres://metaheac@127.0.0.1:1/metaheac' });
    expect(half.find(({ check }) => check === 'cluster')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('--blobs'),
    });
  });
});
