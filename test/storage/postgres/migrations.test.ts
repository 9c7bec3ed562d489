/** Migrations: applied once, by processes that start together, and beside the release before or after. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { migrate, readSteps, type Step } from '../../../src/storage/postgres/database/migrations.ts';
import { everyoneIsKnown, LEASE_MS, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { sharedStore } from './shared-store.ts';

async function query(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const stepOf = (kind: Step['kind'], sql: string): Step => {
  const number = readSteps().at(-1)!.number + 1;
  return { number, name: `${String(number).padStart(4, '0')}-next.sql`, kind, sql };
};

describeWithPostgres('migrations of Postgres', () => {
  it('are applied once by processes that start at the same time', async () => {
    const url = await openPostgres();
    await Promise.all([1, 2, 3, 4].map(() => migrate(url)));
    const applied = await query(url, 'SELECT name FROM schema_steps ORDER BY number');
    expect(applied.map(({ name }) => name)).toEqual(readSteps().map(({ name }) => name));
  });

  it('that fail change nothing, and can be repeated', async () => {
    const url = await openPostgres();
    await migrate(url);
    const failing = stepOf('expand', 'CREATE TABLE next (a bigint); SELECT 1 / 0');
    await expect(migrate(url, [...readSteps(), failing])).rejects.toThrow('division by zero');
    expect(await query(url, `SELECT to_regclass('next') AS next`)).toEqual([{ next: null }]);
    await migrate(url, [...readSteps(), { ...failing, sql: 'CREATE TABLE next (a bigint)' }]);
    expect(await query(url, 'SELECT count(*)::int AS count FROM next')).toEqual([{ count: 0 }]);
  });

  it('of the next release are accepted by this one if they only expand the schema', async () => {
    const url = await openPostgres();
    await migrate(url, [...readSteps(), stepOf('expand', 'ALTER TABLE campaigns ADD COLUMN next bigint')]);
    await migrate(url);
    const other = await openPostgres();
    await migrate(other, [...readSteps(), stepOf('contract', 'ALTER TABLE campaigns DROP COLUMN clicks')]);
    await expect(migrate(other)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('of step 21 keep a job that an engine holds, and its attempts', async () => {
    const data = sharedStore();
    const url = await data.url;
    const before = await data.open();
    const { id } = await before.create(newCampaign(), everyoneIsKnown);
    const held = (await before.claim('1:a'))!;
    await query(url, 'ALTER TABLE jobs DROP COLUMN deaths; DELETE FROM schema_steps WHERE number >= 21');
    const after = await data.open();
    expect(await after.renew(held)).toBe(true);
    data.clock.pass(LEASE_MS);
    expect(await after.claim('2:b')).toMatchObject({ campaignId: id, attempt: 2, deaths: 1, token: 2 });
  });

  it('have numbers without gaps, and say of which kind they are', () => {
    const folder = mkdtempSync(join(temporaryFolder(), 'steps-'));
    writeFileSync(join(folder, '0016-first.sql'), '-- contract: all tables\n');
    writeFileSync(join(folder, '0017-second.sql'), '-- a comment\n');
    expect(() => readSteps(folder)).toThrow('0017-second.sql begins with its kind');
    writeFileSync(join(folder, '0017-second.sql'), '-- expand: a column\n');
    writeFileSync(join(folder, '0019-third.sql'), '-- expand: a column\n');
    expect(() => readSteps(folder)).toThrow('0019-third.sql is not number 18');
  });
});
