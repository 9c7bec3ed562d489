/** A row with flipped bits does not break a list: it is omitted and reported, and a request for it gets 503. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { verifyCommand } from '../../src/cli/commands/upkeep/verify.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { DamageLog } from '../../src/service/upkeep/damage-log.ts';
import { Scrubber } from '../../src/service/upkeep/scrubber.ts';
import { locateStore, openUpkeep } from '../../src/storage/open-store.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { changeBehindSums } from '../storage/sqlite/change-behind-sums.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from './fixture.ts';

const population = await importUsers();
let fixture: Fixture;
let damage: DamageLog;
let ids: string[];
const lines: string[] = [];
beforeEach(async () => {
  fixture = await openFixture(population);
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

function change(table: string, column: string, before: string, after: string): void {
  changeBehindSums(database(), [table, column], [before, after]);
}

const database = () => join(fixture.dataDir, 'metaheac.db');
const folderOf = async (id: string) => (await fixture.store.audienceVersion(id, 1)).folder;

/** Ids of a list, which must succeed. */
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

async function verify(): Promise<{ code: unknown; faults: { path: string; message: string }[] }> {
  const printed: string[] = [];
  const output = { result: (line: string) => void printed.push(line), note: () => {}, progress: () => {} };
  await verifyCommand(fixture.dataDir, { json: true }, output);
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
  const { code, faults } = await verify();
  expect(code).toBe(4);
  expect(faults).toEqual([
    { path: 'metaheac.db', message: expect.stringContaining(`row ${ids[1]} of campaigns is damaged`) },
  ]);
});

it('never answers with a value that is well-formed and wrong', async () => {
  change('campaigns', 'name', 'two', 'twn');
  expect(await list('/v1/campaigns')).toEqual([ids[2], ids[0]]);
  await expectRefused(`/v1/campaigns/${ids[1]}`);
});

it('leaves an expansion in a state that there is not out of lists', async () => {
  const { id } = await fixture.store.expand(ids[0]!);
  await fixture.store.cancel(ids[0]!, id);
  change('expansions', 'state', 'cancelled', 'cancelleD');
  expect(await list(`/v1/campaigns/${ids[0]}/expansions`)).toHaveLength(1);
  await expectRefused(`/v1/campaigns/${ids[0]}/expansions/${id}`);
  expectNamed(`expansions/${id}`);
  expect((await fixture.call('GET', '/v1/status')).status).toBe(200);
});

it('leaves keys and webhooks out of their lists', async () => {
  const key = { scope: 'read', labels: { team: 'x' }, expiresAt: null } as const;
  const [first, second] = await Promise.all(
    ['first', 'second'].map(async (name) => (await fixture.store.apiKeys.create({ ...key, name }, 10)).apiKey),
  );
  await fixture.store.apiKeys.revoke(first!.id);
  await fixture.store.apiKeys.revoke(second!.id);
  const hooks = await Promise.all(
    ['campaign.ready', 'campaign.failed'].map(
      async (event) =>
        (
          await fixture.store.webhooks.create(
            { url: 'https://x.example/', events: [event as 'campaign.ready'], description: event },
            10,
            1,
          )
        ).webhook,
    ),
  );
  change('api_keys', 'name', 'first', 'firsT');
  change('webhooks', 'events', '["campaign.ready"]', '["campaign.ready"}');
  const { store } = fixture;
  expect((await store.apiKeys.list({ limit: 10 })).items.map(({ id }) => id)).toEqual([second!.id]);
  await expect(store.apiKeys.find(first!.id)).rejects.toThrow('is damaged');
  expect((await store.webhooks.list({ limit: 10 })).items.map(({ id }) => id)).toEqual([hooks[1]!.id]);
  expectNamed(`api_keys/${first!.id}`, `webhooks/${hooks[0]!.id}`);
});

it('tells the other webhooks of events', async () => {
  const hooks = await Promise.all(
    ['damaged', 'whole'].map(
      async (description) =>
        (
          await fixture.store.webhooks.create(
            { url: 'https://x.example/', events: ['campaign.ready'], description },
            10,
            1,
          )
        ).webhook,
    ),
  );
  changeBehindSums(join(fixture.dataDir, 'metaheac.db'), ['webhooks', 'description'], ['damaged', 'damageD']);
  await fixture.createReady();
  expect((await fixture.store.outbox.deliveries(hooks[1]!.id, { limit: 10 })).items).toHaveLength(1);
  await expect(fixture.store.outbox.deliveries(hooks[0]!.id, { limit: 10 })).rejects.toThrow('is damaged');
});

it('skips the job of a damaged expansion, and the queue continues', async () => {
  const bodies = ['a', 'b'].map((name) => ({ ...OK_BODY, name, labels: {}, features: { category: name } }));
  const made: string[] = [];
  for (const body of bodies) made.push((await fixture.call('POST', '/v1/campaigns', body)).json.id as string);
  change('expansions', 'features', '{"category":"a"}', '{"category":"a"=');
  await fixture.finishNext();
  expect((await fixture.store.get(made[1]!)).state).toBe('ready');
  expect(await fixture.store.claim('another')).toBeNull();
  expect(await fixture.store.releaseAll()).toBe(0);
});

it('is found by the scrubber, and leaves the list of damage when it is as it was', async () => {
  const { dataDir, store } = fixture;
  change('campaigns', 'name', 'two', 'twn');
  const upkeep = await openUpkeep(locateStore(dataDir));
  const rankings = new RankingCache(store.blobs, { openRankings: 2, memoryBytes: 0 });
  const { path, version } = population;
  const scrubber = new Scrubber({
    ...{ upkeep, rankings, damage, logger: pino({ level: 'silent' }), bytesPerSecond: 1e12, pauseMs: 1, recheckMs: 5 },
    population: { folder: path, version: () => version },
  });
  scrubber.start();
  await expect.poll(() => damage.known().length, { timeout: 30_000 }).toBe(1);
  expectNamed(`campaigns/${ids[1]}`);
  changeBehindSums(database(), ['campaigns', 'name'], ['twn', 'two'], { original: 'two' });
  await expect.poll(() => damage.known(), { timeout: 30_000 }).toEqual([]);
  expect(await list('/v1/campaigns')).toContain(ids[1]);
  await scrubber.close();
  await upkeep.close();
});

/** The faults that verify finds in the database. */
async function faults(): Promise<string[]> {
  const upkeep = await openUpkeep(locateStore(fixture.dataDir));
  const found = await upkeep.faults();
  await upkeep.close();
  return found;
}

/** The actions of the audit log with what they were done to. */
async function audited(): Promise<string[]> {
  const { status, text } = await fixture.call('GET', '/v1/audit');
  expect(status, text).toBe(200);
  const entries = jsonLines(text);
  return entries.map(({ action, resource_id: id }) => `${action} ${id}`);
}

it.each<[string, string, string, (id: string) => Promise<readonly [string, string]>]>([
  ['JSON no longer parses', 'campaigns', 'labels', async () => ['{"team":"two"}', '{"team":"two"=']],
  ['name is another one', 'campaigns', 'name', async () => ['two', 'twn']],
  ['external id is another one', 'campaigns', 'external_id', async () => ['x-two', 'x-twn']],
  ['expansion has a state that there is not', 'expansions', 'state', async () => ['failed', 'faileD']],
  ['audience has another folder', 'audiences', 'folder', async (id) => [await folderOf(id), `${await folderOf(id)}x`]],
])('deletes a campaign whose %s, with all that is of it, and nothing else', async (_how, table, column, values) => {
  const id = ids[1]!;
  expect((await fixture.call('PATCH', `/v1/campaigns/${id}`, { external_id: 'x-two' })).status).toBe(200);
  const hook = { url: 'https://x.example/', events: ['campaign.deleted' as const], description: '' };
  await fixture.store.webhooks.create(hook, 10, 1);
  if (table === 'expansions') {
    const { id: expansion } = await fixture.store.expand(id);
    await fixture.store.end((await fixture.store.claim('another'))!, 'failed', { code: 'internal', message: 'x' });
    expect((await fixture.store.expansion(id, expansion)).state).toBe('failed');
  }
  const rankings = readdirSync(join(fixture.dataDir, 'audiences', id));
  expect(rankings).toHaveLength(1);
  const [before, after] = await values(id);
  change(table, column, before, after);
  // another damaged row stays known as damaged
  change('campaigns', 'name', 'three', 'threE');
  const { status, text } = await fixture.call('DELETE', `/v1/campaigns/${id}`);
  expect(status, text).toBe(204);
  expect(await audited()).toContain(`deleteCampaign ${id}`);
  expect(await faults()).toEqual([expect.stringContaining(`row ${ids[2]} of campaigns`)]);
  expect(existsSync(join(fixture.dataDir, 'audiences', id))).toBe(false);
  expect((await fixture.call('GET', `/v1/campaigns/${id}`)).status).toBe(404);
  expect(await list('/v1/campaigns')).toEqual([ids[0]]);
  const { json } = await fixture.call('GET', '/v1/changes');
  expect(json.items.at(-1)).toMatchObject({ campaign_id: id, kind: 'deleted', previous_version: 1 });
  expect((await fixture.call('DELETE', `/v1/campaigns/${ids[2]}`)).status).toBe(204);
  expect(await faults()).toEqual([]);
});

it('deletes a campaign whose id is another one, by the id that it is named by', async () => {
  const named = `${ids[1]!.slice(0, -1)}z`;
  change('campaigns', 'id', ids[1]!, named);
  expect(await faults()).toEqual([expect.stringContaining(`row ${named} of campaigns`)]);
  await fixture.store.delete(named);
  expect(await faults()).toEqual([]);
  expect(await list('/v1/campaigns')).toEqual([ids[2], ids[0]]);
});

it('deletes a webhook that is damaged, and its deliveries', async () => {
  const hook = { url: 'https://x.example/', events: ['campaign.ready' as const], description: 'damaged' };
  const { webhook } = await fixture.store.webhooks.create(hook, 10, 1);
  await fixture.createReady();
  change('webhooks', 'description', 'damaged', 'damageD');
  change('webhook_deliveries', 'state', 'pending', 'pendinG');
  expect((await fixture.call('DELETE', `/v1/webhooks/${webhook.id}`)).status).toBe(204);
  expect(await faults()).toEqual([]);
});

it('removes old data although a row of it is damaged', async () => {
  const body = { ...OK_BODY, audience: { size: 40 } };
  expect((await fixture.call('PATCH', `/v1/campaigns/${ids[0]}`, { audience: body.audience })).status).toBe(200);
  const { folder } = await fixture.store.audienceVersion(ids[0]!, 1);
  changeBehindSums(database(), ['audiences', 'folder'], [folder, `${folder}x`], { only: 'version = 1' });
  await fixture.store.prune({ versions: 0, days: 0 });
  expect(await list(`/v1/campaigns/${ids[0]}/audiences`)).toHaveLength(1);
  expect(await faults()).toEqual([]);
});

it('erases a user of whom a row is damaged', async () => {
  const event = { user_id: 'person-200', event: 'click' };
  const sent = await fixture.call('POST', `/v1/campaigns/${ids[0]}/feedback`, { events: [event] });
  expect(sent.status, sent.text).toBe(200);
  change('feedback', 'event', 'click', 'clicK');
  expect((await fixture.call('DELETE', '/v1/users/person-200')).status).toBe(204);
  expect(await faults()).toEqual([]);
});

it('leaves damaged entries out of the audit log, and changes out of theirs, and names them', async () => {
  change('audit_log', 'resource_id', ids[0]!, 'nobody');
  expect(await audited()).not.toContain(`createCampaign ${ids[0]}`);
  expect(await audited()).toContain(`createCampaign ${ids[1]}`);
  change('changes', 'campaign_id', ids[1]!, 'nobody');
  const { status, json } = await fixture.call('GET', '/v1/changes');
  expect(status).toBe(200);
  expect(json.items.map(({ campaign_id: id }: { readonly campaign_id: string }) => id)).toEqual([ids[0], ids[2]]);
  expect(damage.known().map(({ path }) => path.replace(/\/.*/, ''))).toEqual(['audit_log', 'changes']);
});

it('refuses a key with labels at a campaign whose labels may be others', async () => {
  const key = { name: 'k', scope: 'write', labels: { team: 'one' }, expiresAt: null } as const;
  const { key: secret } = await fixture.store.apiKeys.create(key, 10);
  const authorization = { authorization: `Bearer ${secret}` };
  change('campaigns', 'labels', '{"team":"two"}', '{"team":"one"}');
  const { status, json } = await fixture.call('DELETE', `/v1/campaigns/${ids[1]}`, undefined, authorization);
  expect([status, json.code]).toEqual([503, 'database_damaged']);
});
