/** Migrations: applied once, by processes that start together, and beside the release before or after. */
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { expect, it } from 'vitest';
import type { Step } from '../../../src/storage/postgres/database/apply-step.ts';
import { migrate, readSteps } from '../../../src/storage/postgres/database/migrations.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';

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

const PATIENCE = { lockMs: 100, pauseMs: 50, giveUpMs: 60_000 };

/** Waits until a connection of this database waits for a lock. */
async function untilBlocked(url: string): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await query(url, waiting)).length === 0) await setTimeout(2);
}

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
    await query(url, `INSERT INTO erasure_requests VALUES ('ann')`);
    await migrate(url, [...readSteps(), { ...failing, sql: 'CREATE TABLE next (a bigint)' }]);
    expect(await query(url, 'SELECT count(*)::int AS count FROM next')).toEqual([{ count: 0 }]);
    expect(await query(url, 'SELECT user_id FROM erasure_requests')).toEqual([{ user_id: 'ann' }]);
  });

  it('of the next release are accepted by this one if they only expand the schema', async () => {
    const url = await openPostgres();
    await migrate(url, [...readSteps(), stepOf('expand', 'ALTER TABLE campaigns ADD COLUMN next bigint')]);
    await migrate(url);
    const other = await openPostgres();
    await migrate(other, [...readSteps(), stepOf('contract', 'ALTER TABLE campaigns DROP COLUMN clicks')]);
    await expect(migrate(other)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('give way to readers while a long transaction keeps them waiting', async () => {
    const url = await openPostgres();
    await migrate(url);
    const [long, reader] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
    await Promise.all([long.connect(), reader.connect()]);
    try {
      await long.query('BEGIN; SELECT count(*) FROM campaigns');
      const steps = [...readSteps(), stepOf('expand', 'ALTER TABLE campaigns ADD COLUMN next bigint')];
      let isDone = false;
      const migration = migrate(url, steps, PATIENCE).finally(() => {
        isDone = true;
      });
      await untilBlocked(url);
      const begun = performance.now();
      await reader.query('SELECT count(*) FROM campaigns');
      // without the limit, the reader would wait behind the migration until the long transaction ends
      expect(performance.now() - begun).toBeLessThan(10_000);
      expect(isDone).toBe(false);
      await long.query('COMMIT');
      await migration;
      expect(await query(url, 'SELECT count(next)::int AS count FROM campaigns')).toEqual([{ count: 0 }]);
    } finally {
      await Promise.all([long.end(), reader.end()]);
    }
  });

  it('give up if others use a table for too long, and name the step', async () => {
    const url = await openPostgres();
    await migrate(url);
    const long = new pg.Client({ connectionString: url });
    await long.connect();
    try {
      await long.query('BEGIN; SELECT count(*) FROM campaigns');
      const step = stepOf('expand', 'ALTER TABLE campaigns ADD COLUMN next bigint');
      await expect(migrate(url, [...readSteps(), step], { ...PATIENCE, giveUpMs: 100 })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining(step.name),
      });
    } finally {
      await long.end();
    }
    await migrate(url);
  });

  it('make an index beside writers, and make it anew if it was left unfinished', async () => {
    const url = await openPostgres();
    await migrate(url);
    await query(url, `INSERT INTO erasure_requests VALUES ('a'), ('b')`);
    const sql = 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS next ON erasure_requests (length(user_id));\n';
    const steps = [...readSteps(), stepOf('expand', `-- expand: an index\n${sql}`)];
    await expect(migrate(url, steps)).rejects.toThrow('next');
    const valid = `SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('next')`;
    expect(await query(url, valid)).toEqual([{ indisvalid: false }]);
    await query(url, `DELETE FROM erasure_requests WHERE user_id = 'b'`);
    const writer = new pg.Client({ connectionString: url });
    await writer.connect();
    try {
      await writer.query(`BEGIN; INSERT INTO erasure_requests VALUES ('cc')`);
      const migration = migrate(url, steps, PATIENCE);
      await untilBlocked(url);
      await query(url, `INSERT INTO erasure_requests VALUES ('ddd')`);
      await writer.query('COMMIT');
      await migration;
    } finally {
      await writer.end();
    }
    expect(await query(url, valid)).toEqual([{ indisvalid: true }]);
    expect(await query(url, 'SELECT name FROM schema_steps ORDER BY number DESC LIMIT 1')).toEqual([
      { name: steps.at(-1)!.name },
    ]);
  });

  it('after the first make indexes of older tables concurrently', () => {
    for (const { number, name, sql } of readSteps()) {
      if (number === 1) continue;
      const made = [...sql.matchAll(/CREATE (?:UNLOGGED )?TABLE (\w+)/g)].map(([, table]) => table);
      for (const [, , table] of sql.matchAll(/CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(\w+) ON (\w+)/g))
        expect(made, `${name} locks ${table} while it makes an index`).toContain(table);
    }
  });
});
