/** A row whose bits flipped does not spoil a list: it is left out and named, and whoever asks for it gets 503. */
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { verifyCommand } from '../../src/cli/commands/verify.ts';
import { DamageLog } from '../../src/cli/damage-log.ts';
import { Scrubber } from '../../src/cli/scrubber.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { locateStore, openUpkeep } from '../../src/store/open-store.ts';
import { changeBehindSums } from '../sqlite/change-behind-sums.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from './fixture.ts';

const users = await importUsers();
let fixture: Fixture;
let damage: DamageLog;
let ids: string[];
const lines: string[] = [];
beforeEach(async () => {
  fixture = await openFixture(users.population);
  lines.length = 0;
  const logger = pino({}, { write: (line) => void lines.push(line) });
  damage = new DamageLog({ store: fixture.store, logger, clock: systemClock, wake: () => {} });
  fixture.onDamagedRow((row) => damage.noteRow(row));
  ids = [];
  for (const name of ['one', 'two', 'three'])
    ids.push(await fixture.createReady({ ...OK_BODY, name, labels: { team: name } }));
});
afterEach(async () => {
  process.exitCode = undefined;
  await fixture.close();
});
afterAll(() => users.remove());

function change(table: string, column: string, before: string, after: string): void {
  changeBehindSums(join(fixture.dataDir, 'metaheac.db'), [table, column], [before, after]);
}

/** Ids of a list, which must be answered. */
async function list(path: string): Promise<string[]> {
  const { status, json, text } = await fixture.call('GET', path);
  expect(status, text).toBe(200);
  return json.items.map(({ id }: { readonly id: string }) => id);
}

async function expectRefused(path: string): Promise<void> {
  const { status, json } = await fixture.call('GET', path);
  expect([status, json.code]).toEqual([503, 'database_damaged']);
}

/** Named once in the log, however often it was read. */
function expectNamed(...paths: string[]): void {
  expect(damage.known().map(({ kind, path }) => `${kind} ${path}`)).toEqual(paths.map((path) => `row ${path}`));
  expect(lines.filter((line) => line.includes('a damaged row of the database was found'))).toHaveLength(paths.length);
}

function verify(): { code: unknown; faults: { path: string; message: string }[] } {
  const printed: string[] = [];
  const output = { result: (line: string) => void printed.push(line), note: () => {}, progress: () => {} };
  verifyCommand(fixture.dataDir, { json: true }, output);
  return { code: process.exitCode, faults: JSON.parse(printed.at(-1)!).faults };
}

it('leaves a campaign whose JSON no longer parses out of lists, and names it', async () => {
  change('campaigns', 'labels', '{"team":"two"}', '{"team":"two"=');
  for (const path of ['/v1/campaigns', '/v1/campaigns', '/v1/campaigns?label=team%3Done', '/v1/campaigns?search=o'])
    expect(await list(path)).not.toContain(ids[1]);
  expect(await list('/v1/campaigns')).toEqual([ids[2], ids[0]]);
  expect(await list('/v1/campaigns?limit=1')).toEqual([ids[2]]);
  await expectRefused(`/v1/campaigns/${ids[1]}`);
  expect((await fixture.call('GET', `/v1/campaigns/${ids[0]}`)).status).toBe(200);
  expectNamed(`campaigns/${ids[1]}`);
  const { code, faults } = verify();
  expect(code).toBe(4);
  expect(faults).toEqual([
    { path: 'metaheac.db', message: expect.stringContaining(`row ${ids[1]} of campaigns is not as it was written`) },
  ]);
});

it('never answers with a value that is well-formed and wrong', async () => {
  change('campaigns', 'name', 'two', 'twn');
  expect(await list('/v1/campaigns')).toEqual([ids[2], ids[0]]);
  await expectRefused(`/v1/campaigns/${ids[1]}`);
});

it('leaves an expansion in a state that there is not out of lists', async () => {
  const { id } = await fixture.store.expand(ids[0]!);
  fixture.store.cancel(ids[0]!, id);
  change('expansions', 'state', 'cancelled', 'cancelleD');
  expect(await list(`/v1/campaigns/${ids[0]}/expansions`)).toHaveLength(1);
  await expectRefused(`/v1/campaigns/${ids[0]}/expansions/${id}`);
  expectNamed(`expansions/${id}`);
  expect((await fixture.call('GET', '/v1/status')).status).toBe(200);
});

it('leaves keys and webhooks out of their lists', async () => {
  const key = { scope: 'read', labels: { team: 'x' }, expiresAt: null } as const;
  const [first, second] = ['first', 'second'].map((name) => fixture.store.apiKeys.create({ ...key, name }, 10).apiKey);
  fixture.store.apiKeys.revoke(first!.id);
  fixture.store.apiKeys.revoke(second!.id);
  const hooks = ['campaign.ready', 'campaign.failed'].map(
    (event) =>
      fixture.store.webhooks.create(
        { url: 'https://x.example/', events: [event as 'campaign.ready'], description: event },
        10,
        1,
      ).webhook,
  );
  change('api_keys', 'name', 'first', 'firsT');
  change('webhooks', 'events', '["campaign.ready"]', '["campaign.ready"}');
  const { store } = fixture;
  expect(store.apiKeys.list({ limit: 10 }).items.map(({ id }) => id)).toEqual([second!.id]);
  expect(() => store.apiKeys.find(first!.id)).toThrow('is not as it was written');
  expect(store.webhooks.list({ limit: 10 }).items.map(({ id }) => id)).toEqual([hooks[1]!.id]);
  expectNamed(`api_keys/${first!.id}`, `webhooks/${hooks[0]!.id}`);
});

it('tells the other webhooks of events', async () => {
  const hooks = ['damaged', 'whole'].map(
    (description) =>
      fixture.store.webhooks.create({ url: 'https://x.example/', events: ['campaign.ready'], description }, 10, 1)
        .webhook,
  );
  changeBehindSums(join(fixture.dataDir, 'metaheac.db'), ['webhooks', 'description'], ['damaged', 'damageD']);
  await fixture.createReady();
  expect(fixture.store.outbox.deliveries(hooks[1]!.id, { limit: 10 }).items).toHaveLength(1);
  expect(() => fixture.store.outbox.deliveries(hooks[0]!.id, { limit: 10 })).toThrow('is not as it was written');
});

it('passes the job of a damaged expansion over: the queue goes on', async () => {
  const bodies = ['a', 'b'].map((name) => ({ ...OK_BODY, name, labels: {}, features: { category: name } }));
  const made: string[] = [];
  for (const body of bodies) made.push((await fixture.call('POST', '/v1/campaigns', body)).json.id as string);
  change('expansions', 'features', '{"category":"a"}', '{"category":"a"=');
  fixture.finishNext();
  expect(fixture.store.get(made[1]!).state).toBe('ready');
  expect(fixture.store.claim('another')).toBeNull();
  expect(fixture.store.releaseAll()).toBe(0);
});

it('is found by the scrubber, and leaves the list of damage when it is as it was', async () => {
  const { dataDir, store } = fixture;
  change('campaigns', 'name', 'two', 'twn');
  const upkeep = openUpkeep(locateStore(dataDir));
  const rankings = new RankingCache(store.blobs, { openRankings: 2, memoryBytes: 0 });
  const { path, version } = users.population;
  const scrubber = new Scrubber({
    ...{ upkeep, rankings, damage, logger: pino({ level: 'silent' }), bytesPerSecond: 1e12, pauseMs: 1, recheckMs: 5 },
    population: { folder: path, version: () => version },
  });
  scrubber.start();
  await expect.poll(() => damage.known().length, { timeout: 30_000 }).toBe(1);
  expectNamed(`campaigns/${ids[1]}`);
  changeBehindSums(join(dataDir, 'metaheac.db'), ['campaigns', 'name'], ['twn', 'two'], 'two');
  await expect.poll(() => damage.known(), { timeout: 30_000 }).toEqual([]);
  expect(await list('/v1/campaigns')).toContain(ids[1]);
  scrubber.close();
  upkeep.close();
});
