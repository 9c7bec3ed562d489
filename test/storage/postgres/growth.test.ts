/**
 * What runs for each request, claim, second or turn of the leader reads few rows of a large store: the server counts
 * the rows that scans of tables and of indexes return. (A count of all campaigns, for metrics, reads an index as a
 * whole.)
 */
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CampaignSort } from '../../../src/domain/campaign-query.ts';
import type { CampaignStore, StoreOptions } from '../../../src/domain/ports/store.ts';
import { openDatabase } from '../../../src/storage/postgres/database/database.ts';
import { openStore } from '../../../src/storage/postgres/open-store.ts';
import { everyoneIsKnown, LEASE_MS, manualClock, newCampaign, PINS, resultOf } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';
import { atServer } from '../sql/nodes.ts';
import { campaignId, fillDatabase, NEWEST } from './full-database.ts';

const CAMPAIGNS = 16_000;
const SIZE = { campaigns: CAMPAIGNS, events: 5 * CAMPAIGNS, deliveries: CAMPAIGNS, jobs: 300, offers: 30 };
/** Maximum number of rows of a table that one call reads: pages, the head of the queue, and samples of the past. */
const MOST_ROWS = 1_500;
/** Calls of each kind: the plan for any values is used from the sixth execution of a statement on. */
const CALLS = 8;

const C = campaignId(CAMPAIGNS / 2);
const PAGE = { limit: 20 };
/** Changes of other campaigns, so that each call has one of its own. */
let other = CAMPAIGNS / 4;

let url = '';
beforeAll(async () => {
  url = await openMigratedPostgres();
  await (await openDatabase(url)).close();
  await fillDatabase(url, SIZE);
}, 600_000);

const options: StoreOptions = { clock: manualClock(), minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 };
const open = async () => (await openStore(url, { url: `file://${temporaryFolder()}`, cacheFolder: '' }, options)).store;

/** Number of rows that scans have returned so far, by table. */
async function rowsRead(): Promise<ReadonlyMap<string, number>> {
  // a connection reports what it has read at its end
  const open = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'metaheac%'`;
  while ((await atServer(url, open)).rows.length > 0) await setTimeout(20);
  const { rows } = await atServer(
    url,
    `SELECT relname, (seq_tup_read + coalesce((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i
       WHERE i.relid = t.relid), 0))::float8 AS read FROM pg_stat_user_tables t`,
  );
  return new Map(rows.map(({ relname, read }) => [relname, read]));
}

/** Calls `work` in a new store, and returns the tables of which a call has read many rows. */
async function muchRead(work: (store: CampaignStore) => Promise<unknown>): Promise<Record<string, number>> {
  const before = await rowsRead();
  const store = await open();
  try {
    for (let call = 0; call < CALLS; call++) await work(store);
  } finally {
    await store.close();
  }
  const much: Record<string, number> = {};
  for (const [table, read] of await rowsRead()) {
    const each = Math.round((read - (before.get(table) ?? 0)) / CALLS);
    if (each > MOST_ROWS) much[table] = each;
  }
  return much;
}

async function finishOne(store: CampaignStore): Promise<void> {
  const job = (await store.claim('1:a'))!;
  await store.renew(job);
  await store.pin(job, PINS);
  await store.advance(job, { state: 'adapting' });
  await store.advance(job, { state: 'scoring' });
  expect(await store.finish(job, resultOf({ folder: `audiences/${job.campaignId}/${job.expansionId}` }))).toBe(true);
}

const cursors = new Map<CampaignSort, string | null>();

/** Reads the page that follows the page of the last call. */
async function nextPage(store: CampaignStore, sort: CampaignSort): Promise<void> {
  const page = await store.list({ ...PAGE, sort, cursor: cursors.get(sort) ?? undefined });
  expect(page.items).toHaveLength(PAGE.limit);
  cursors.set(sort, page.nextCursor);
}

const REQUESTS: Readonly<Record<string, (store: CampaignStore) => Promise<unknown>>> = {
  'the creation of a campaign': (store) => store.create(newCampaign({ name: `new ${other++}` }), everyoneIsKnown),
  'a campaign': (store) => store.get(C),
  campaigns: (store) => store.list(PAGE),
  'campaigns in a state': (store) => store.list({ limit: 10, state: 'failed' }),
  'campaigns in a state that none has': (store) => store.list({ ...PAGE, state: 'too_small' }),
  'campaigns with labels': (store) => store.list({ ...PAGE, labels: { team: '7' } }),
  'campaigns with labels that none has': (store) => store.list({ ...PAGE, labels: { team: 'none' } }),
  'campaigns by name': (store) => nextPage(store, 'name'),
  'campaigns by name, descending': (store) => nextPage(store, '-name'),
  'campaigns by creation': (store) => nextPage(store, 'created_at'),
  'campaigns created in a time': (store) => store.list({ ...PAGE, sort: '-created_at', createdTo: NEWEST - 1e11 }),
  'campaigns by update': (store) => nextPage(store, '-updated_at'),
  'campaigns by state': (store) => nextPage(store, 'state'),
  'the states of campaigns': (store) => store.findAll({ ids: [C], externalIds: ['x-77', 'x-78'] }),
  'a campaign by its external id': (store) => store.list({ ...PAGE, externalId: 'x-77' }),
  'a change of a campaign': (store) => store.update(C, { audience: { size: 1 + (other++ % 9) } }),
  'the labels of a campaign': (store) => store.findLabels(C),
  'a new expansion': (store) => store.expand(C),
  'expansions of a campaign': (store) => store.expansionsOf(C, PAGE),
  'the active audience': async (store) => store.activeAudience(C),
  'audience versions': (store) => store.audienceVersions(C, PAGE),
  'another active version': async (store) => {
    const id = campaignId(other++);
    await store.activate(id, 1);
    await store.activate(id, 2);
  },
  'changes of audiences': (store) => store.changes(undefined, 20),
  feedback: (store) => store.addFeedback(C, [{ userId: `u ${other++}`, event: 'click', happenedAt: 5 }]),
  responders: (store) => store.respondersOf(C, 20),
  'the audit log': (store) => store.audit.list({ limit: 20 }),
  'the end of the audit log': (store) => store.audit.list({ limit: 20, since: NEWEST - 1e9 }),
  'the beginning of the audit log': (store) => store.audit.list({ limit: 20, until: 1 }),
  deliveries: (store) => store.outbox.deliveries('w-3', PAGE),
  'deliveries that have failed': (store) => store.outbox.deliveries('w-3', { ...PAGE, state: 'failed' }),
  'a ping': (store) => store.outbox.ping('w-3', NEWEST),
  'the queue': (store) => store.health.queue(),
  'the last failures': (store) => store.health.lastFailures(20),
  'the deletion of a campaign': (store) => store.delete(campaignId(other++)),
};

const REPEATED: Readonly<Record<string, (store: CampaignStore) => Promise<unknown>>> = {
  'a claim, its renewal and its end': finishOne,
  'a claim of ranges': (store) => store.ranges!.claim({ owner: 'e', refused: [], most: 4 }),
  'due deliveries': (store) => store.outbox.due(NEWEST, 20),
  'old deliveries and events': (store) => store.outbox.prune(1),
  'deliveries to disabled webhooks': (store) => store.outbox.failStranded(1),
  'due refreshes': (store) => store.expandDue('p1'),
  'folders to remove': (store) => store.removeUnusedFiles(),
  'old entries of the audit log': (store) => store.audit.prune(1),
  'requested erasures': (store) => store.requestedErasures(10),
  members: async ({ cluster }) => {
    await cluster!.heartbeat({ id: 'a', kind: 'node', host: 'h', release: 'r', isReady: true }, 15_000);
    await cluster!.members();
  },
};

describeWithPostgres('a store with many rows', () => {
  describe.each([
    ['request', REQUESTS],
    ['task', REPEATED],
  ])('for each %s', (_, cases) => {
    it.each(Object.entries(cases))('reads few of them for %s', async (__, work) => {
      expect(await muchRead(work)).toEqual({});
    });
  });

  it('finds the feedback of erased users without a look at every campaign', async () => {
    const users = () => [`u-${other++}`, `u-${other++}`, 'nobody'];
    let erased = 0;
    const much = await muchRead(async (store) => {
      erased += (await store.eraseUsers(users())).feedback;
    });
    expect(erased).toBe(2 * CALLS);
    // every user set has to be searched
    expect(much).not.toHaveProperty('feedback');
  });

  it('reads the active audiences once, and then what has changed', async () => {
    const before = await rowsRead();
    const store = await open();
    for (let call = 0; call < CALLS; call++) {
      const id = campaignId(other++);
      await store.activate(id, 1);
      const all = await store.activeAudiences();
      expect(all.find(({ campaignId }) => campaignId === id)).toMatchObject({ version: 1 });
    }
    await store.close();
    const read = (await rowsRead()).get('campaigns')! - before.get('campaigns')!;
    expect(read).toBeLessThan(CAMPAIGNS + CALLS * MOST_ROWS);
  });
});
