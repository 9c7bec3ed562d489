/** Removals of many rows are divided into transactions, so that others do not wait for them for long. */
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { openDatabase } from '../../../src/storage/postgres/database/database.ts';
import { openStore } from '../../../src/storage/postgres/open-store.ts';
import { LEASE_MS, manualClock } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';
import { atServer } from '../sql/nodes.ts';
import { fillDatabase, NEWEST } from './full-database.ts';

/** Maximum number of rows of a table that a transaction removes or changes. */
const MOST_ROWS = 10_000;
/** Maximum number of rows that make others wait: those of campaigns, and deliveries. */
const MOST_LOCKED = 1_000;
const CAMPAIGNS = 2_500;
const DELIVERIES = 12_000;
const TABLES = ['audiences', 'expansions', 'idempotency_keys', 'webhook_deliveries', 'webhook_events'];

let url = '';
beforeAll(async () => {
  url = await openMigratedPostgres();
  await (await openDatabase(url)).close();
  await fillDatabase(url, { campaigns: CAMPAIGNS, events: 100, deliveries: DELIVERIES, jobs: 0, offers: 0 });
  await atServer(url, 'CREATE TABLE touched (transaction xid8, name text, rows bigint)');
  await atServer(
    url,
    `CREATE FUNCTION note_touched() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       INSERT INTO touched SELECT pg_current_xact_id(), TG_TABLE_NAME, count(*) FROM before;
       RETURN NULL;
     END $$`,
  );
  for (const table of TABLES)
    for (const change of ['DELETE', 'UPDATE'])
      await atServer(
        url,
        `CREATE TRIGGER note_${change} AFTER ${change} ON ${table} REFERENCING OLD TABLE AS before
         FOR EACH STATEMENT EXECUTE FUNCTION note_touched()`,
      );
}, 600_000);
beforeEach(async () => {
  await atServer(url, 'TRUNCATE touched');
});

async function withStore<T>(work: (store: CampaignStore) => Promise<T>): Promise<T> {
  const options = { clock: manualClock(), minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 };
  const { store } = await openStore(url, { url: `file://${temporaryFolder()}`, cacheFolder: '' }, options);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** All rows that were removed or changed, and the most of one transaction. */
async function touched(table: string): Promise<{ readonly all: number; readonly most: number }> {
  const { rows } = await atServer(
    url,
    `SELECT coalesce(sum(rows), 0)::int AS all, coalesce(max(rows), 0)::int AS most FROM (
       SELECT sum(rows) AS rows FROM touched WHERE name = $1 GROUP BY transaction) each`,
    [table],
  );
  return rows[0];
}

describeWithPostgres('removals of many rows', () => {
  it('by retention are divided', async () => {
    // one campaign has many expansions, and there are many responses
    await atServer(
      url,
      `INSERT INTO expansions (id, campaign, latest, state, seed_set, seeds_received, seeds_known, seeds_unknown,
         seeds_duplicate, unknown_examples, created_at, updated_at)
       SELECT 'more ' || i, 1, false, 'cancelled', seed_set, 0, 0, 0, 0, '[]', 0, 0
       FROM campaigns, generate_series(1, 3000) i WHERE number = 1`,
    );
    await atServer(
      url,
      `INSERT INTO idempotency_keys SELECT 'more ' || i, '', '', '', 0 FROM generate_series(1, 15000) i`,
    );
    await atServer(url, 'TRUNCATE touched');
    await withStore((store) => store.prune({ versions: 1, days: 1 }, NEWEST));
    for (const [table, most] of [
      ['audiences', MOST_LOCKED],
      ['expansions', MOST_LOCKED],
      ['idempotency_keys', MOST_ROWS],
    ] as const) {
      const rows = await touched(table);
      expect(rows.all, table).toBeGreaterThan(most);
      expect(rows.most, table).toBeLessThanOrEqual(most);
    }
  });

  it('for a disabled webhook are divided', async () => {
    await atServer(url, 'UPDATE webhooks SET enabled = false WHERE number = 2');
    await atServer(url, 'UPDATE webhook_deliveries SET webhook = 2');
    await atServer(url, 'TRUNCATE touched');
    expect(await withStore((store) => store.outbox.failStranded(NEWEST))).toBe(DELIVERIES / 2);
    expect(await touched('webhook_deliveries')).toEqual({ all: DELIVERIES / 2, most: MOST_LOCKED });
  });

  it('with a webhook are divided', async () => {
    await atServer(url, `UPDATE webhook_deliveries SET webhook = 3, state = 'failed', next_attempt_at = NULL`);
    await atServer(url, 'TRUNCATE touched');
    await withStore((store) => store.webhooks.remove('w-3'));
    expect(await touched('webhook_deliveries')).toEqual({ all: DELIVERIES, most: MOST_ROWS });
  });

  it('of events are divided', async () => {
    await withStore(async (store) => {
      while (await store.outbox.prune(NEWEST));
    });
    expect(await touched('webhook_events')).toMatchObject({ most: MOST_LOCKED });
  });
});
