/**
 * A running service takes another version of its population: look-ups go on, expansions pin, refusals change nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { makeCurrent } from '../../src/population/update.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { type StartedService, startReadyService, startService } from '../fixture/start-service.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

/** The pause of each reader; without one, the readers would take the engine's processor time. */
const LOOK_UP_MS = 20;
const folder = temporaryFolder();
const [first, second, lacking, users, dataDir] = ['first', 'second', 'lacking', 'population', 'data-dir'].map((name) =>
  join(folder, name),
) as [string, string, string, string, string];
const world = await tinyWorld();
const versions = { first: '', second: '', lacking: '', damaged: '' };
let service: StartedService;

/** The users of the tiny world that `isIn` says, and some more. */
function writeUsers(to: string, isIn: (i: number) => boolean, more: readonly string[], without?: string) {
  mkdirSync(to);
  const description = JSON.parse(readFileSync(join(world.data, 'dataset.json'), 'utf8'));
  const features = description.user_features.filter(({ name }: { name: string }) => name !== without);
  writeFileSync(join(to, 'dataset.json'), JSON.stringify({ ...description, user_features: features }));
  const lines = readFileSync(join(world.data, 'users.ndjson'), 'utf8').trim().split('\n');
  const extra = more.map((user_id) => JSON.stringify({ ...JSON.parse(lines[0]!), user_id }));
  writeFileSync(join(to, 'users.ndjson'), `${[...lines.filter((_, i) => isIn(i)), ...extra].join('\n')}\n`);
}

beforeAll(async () => {
  const features = readModelFolder(world.model).manifest.features.user.map(featureOf);
  const dropped = features.at(-1)!.name;
  writeUsers(first, () => true, []);
  writeUsers(second, (i) => i % 10 !== 9, ['newcomer-1', 'newcomer-2']);
  writeUsers(lacking, () => true, [], dropped);
  versions.first = (await importPopulation({ source: first, features, out: users })).version;
  service = await startReadyService(options);
  versions.second = (await importPopulation({ source: second, features, out: users })).version;
  const fewer = features.filter(({ name }) => name !== dropped);
  versions.lacking = (await importPopulation({ source: lacking, features: fewer, out: users })).version;
  makeCurrent(users, versions.first);
});
afterAll(async () => {
  await service.close();
});

const options = { dataDir, model: world.model, population: users };

interface Campaign {
  readonly id: string;
  readonly state: string;
  readonly population_version: string;
  readonly active_version: number | null;
}

async function untilReady(id: string, isDone = ({ state }: Campaign) => state === 'ready'): Promise<Campaign> {
  for (;;) {
    const campaign: Campaign = (await service.call('GET', `/v1/campaigns/${id}`)).json;
    if (isDone(campaign)) return campaign;
    expect(campaign.state).not.toBe('failed');
    await sleep(50);
  }
}

const create = async (rest: object = {}) => {
  const { features, seeds } = world.campaigns[0]!;
  const body = { name: 'switched', features, seeds, audience: { percent: 100 }, ...rest };
  return ((await service.call('POST', '/v1/campaigns', body)).json as Campaign).id;
};
const activate = (version: string) => service.call('POST', `/v1/populations/${version}/activate`);
const served = async () => ((await service.call('GET', '/v1/populations/current')).json as { version: string }).version;

describe('another version of the population', () => {
  it('is listed', async () => {
    const { json } = await service.call('GET', '/v1/populations');
    const { items } = json as { items: { version: string; served: boolean; users: number }[] };
    expect(new Set(items.map(({ version }) => version))).toEqual(
      new Set([versions.first, versions.second, versions.lacking]),
    );
    expect(items.filter((one) => one.served).map(({ version }) => version)).toEqual([versions.first]);
  });

  it('has a description, and a list of changes since another version', async () => {
    const lines = jsonLines(readFileSync(join(world.data, 'users.ndjson'), 'utf8'));
    const { json } = await service.call('GET', `/v1/populations/${versions.second}`);
    const detail = json as { users: number; features: Record<string, unknown>[] };
    const left = [...lines.filter((_, i) => i % 10 !== 9), lines[0], lines[0]];
    expect(detail.users).toBe(left.length);
    for (const { name, kind, users: having, values } of detail.features as {
      name: string;
      kind: string;
      users: number;
      values: number;
    }[]) {
      const all = left.map((user) => user[name]).filter((value) => value !== null && value.length !== 0);
      const tokens = kind === 'single' || kind === 'multi' ? new Set(all.flat()).size : null;
      expect([name, having, values]).toEqual([name, all.length, tokens]);
    }
    const { json: changes } = await service.call(
      'GET',
      `/v1/populations/${versions.second}/changes?since=${versions.first}`,
    );
    const removed = lines.length - (left.length - 2);
    expect(changes).toMatchObject({ added: 2, removed, kept: left.length - 2, changed: 0, removed_features: [] });
  });

  it('is refused if it does not fit or does not exist, and nothing changes', async () => {
    const rejected = await activate(versions.lacking);
    expect([rejected.status, (rejected.json as { code: string }).code]).toEqual([409, 'population_rejected']);
    const unknown = await activate('0123456789ab');
    expect([unknown.status, (unknown.json as { code: string }).code]).toEqual([404, 'population_not_found']);
    expect((await activate('nonsense')).status).toBe(400);
    expect(await served()).toBe(versions.first);
    expect(openPopulation(users).version).toBe(versions.first);
  });

  it('is served at once, while look-ups go on', async () => {
    const refreshed = await create({ refresh: { on_new_population: true } });
    await untilReady(refreshed);
    const member = `/v1/campaigns/${refreshed}/audience/members/${world.userIds[5]}`;
    const page = `/v1/campaigns/${refreshed}/audience?limit=50`;
    let isOver = false;
    const statuses: number[] = [];
    const reader = async (path: string) => {
      for (; !isOver; await sleep(LOOK_UP_MS)) statuses.push((await service.call('GET', path)).status);
    };
    const readers = [member, page, '/v1/populations/current', member].map(reader);
    const { status, json } = await activate(versions.second);
    expect([status, (json as { served: boolean }).served]).toEqual([200, true]);
    expect(await served()).toBe(versions.second);
    expect(openPopulation(users).version).toBe(versions.second);

    // the refresh policy fires within seconds, and the new expansion is of the new version
    const again = await untilReady(
      refreshed,
      (campaign) => campaign.state === 'ready' && campaign.population_version === versions.second,
    );
    isOver = true;
    await Promise.all(readers);
    expect(statuses.length).toBeGreaterThan(20);
    expect(new Set(statuses)).toEqual(new Set([200]));

    const items: { user_id: string }[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const answer: { items: { user_id: string }[]; next_cursor: string | null } = (
        await service.call('GET', `/v1/campaigns/${again.id}/audience?limit=1000${cursor ? `&cursor=${cursor}` : ''}`)
      ).json;
      items.push(...answer.items);
      cursor = answer.next_cursor;
    }
    const members = new Set(items.map(({ user_id }) => user_id));
    expect(members.has('newcomer-1')).toBe(true);
    expect(members.has(world.userIds[9]!)).toBe(false);
    const newcomer = await service.call('GET', `/v1/campaigns/${again.id}/audience/members/newcomer-2`);
    expect(newcomer.json).toMatchObject({ member: true });
    const gone = await service.call('GET', `/v1/campaigns/${again.id}/audience/members/${world.userIds[9]}`);
    expect(gone.status).toBe(404);
  });

  it('can be rolled back, and all audiences still answer', async () => {
    const newer = await create();
    await untilReady(newer);
    expect((await activate(versions.first)).status).toBe(200);
    expect(await served()).toBe(versions.first);
    expect((await service.call('GET', `/v1/campaigns/${newer}/audience?limit=1000`)).status).toBe(200);
    const older = await create();
    expect((await untilReady(older)).population_version).toBe(versions.first);
    const { json } = await service.call('POST', '/v1/estimates', {
      features: world.campaigns[0]!.features,
      seeds: world.campaigns[0]!.seeds,
    });
    expect((json as { enough: boolean }).enough).toBe(true);
  });

  it('reaches an engine that is still loading its model', async () => {
    await service.close();
    service = await startService(options);
    const other = (await served()) === versions.first ? versions.second : versions.first;
    expect((await activate(other)).status).toBe(200);
    await service.engineReady;
    const id = await create();
    expect((await untilReady(id)).population_version).toBe(other);
    const { features, seeds } = world.campaigns[0]!;
    await expect
      .poll(async () => (await service.call('POST', '/v1/estimates', { features, seeds })).json, { timeout: 20_000 })
      .toMatchObject({ candidates: expect.any(Number) });
  });

  it('stays after a restart, and is followed with followPopulation', async () => {
    expect((await activate(versions.second)).status).toBe(200);
    await service.close();
    service = await startReadyService({ ...options, followPopulation: true });
    expect(await served()).toBe(versions.second);
    makeCurrent(users, versions.first);
    while ((await served()) !== versions.first) await sleep(100);
    makeCurrent(users, versions.lacking);
    await sleep(2500);
    expect(await served()).toBe(versions.first);
    expect((await service.call('GET', '/readyz')).status).toBe(200);
  });
});
