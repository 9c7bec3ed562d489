/** Engines of several hosts expand campaigns together, with the bytes of one engine that works alone. */
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reproduce } from '../../../src/engine/reproduce.ts';
import { readModelFolder } from '../../../src/model/folder.ts';
import { eraseUsers } from '../../../src/population/erase.ts';
import { openPopulation, summariseVersions } from '../../../src/population/read.ts';
import { digestsIn } from '../../fixture/digest.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { valuesOf } from '../../fixture/user-values.ts';
import { type Cluster, LoadedOnHosts, startCluster } from './cluster.ts';
import { makeUpdatedPopulation, SEGMENTS } from './updated-population.ts';

const world = await tinyWorld();
/** A plain campaign, one with weights and negatives, and one of a category whose groups meet the four-fifths rule. */
const CAMPAIGNS = [
  world.campaigns[0]!,
  {
    ...world.campaigns[1]!,
    taught: { weightOf: (i: number) => 1 + (i % 3), negatives: world.campaigns[2]!.seeds, negativeWeight: 3 },
  },
  { ...world.campaigns[0]!, rules: { category: 'housing' as const, fourFifths: 'age_band' } },
];
const population = join(temporaryFolder(), 'population');
/** The inputs of the first and the third campaign, apart from the population. */
const seeds = join(temporaryFolder(), 'seeds.txt');
writeFileSync(seeds, world.campaigns[0]!.seeds.join('\n'));
const given = { model: world.model, threads: 1, device: 'cpu', sets: new Map([['seeds', seeds]]) };
/** The rankings of an engine that works alone. */
let expected: Record<string, Buffer>[];

const loaded = new LoadedOnHosts();

beforeAll(() => makeUpdatedPopulation(population), 240_000);
afterAll(() => loaded.close());

/** Expands all campaigns and returns their ids. */
async function expandAll(cluster: Cluster, hosts: number): Promise<string[]> {
  for (let i = 0; i < hosts; i++) await cluster.addHost();
  const ids = await Promise.all(CAMPAIGNS.map((campaign) => cluster.create(campaign)));
  ids.push(await createWithRows(cluster));
  for (const id of ids) expect(await cluster.ended(id)).toMatchObject({ state: 'ready' });
  return ids;
}

function rankingsOf(cluster: Cluster, ids: readonly string[]): Promise<Record<string, Buffer>[]> {
  return Promise.all(ids.map((id) => cluster.bytesOf(id)));
}

/** A campaign with seeds who are not in the population, but have the features of users who are. */
async function createWithRows({ store }: Cluster): Promise<string> {
  const { features, seeds } = CAMPAIGNS[0]!;
  const known = openPopulation(population);
  const inputs = { name: 'rows', features, featureCounts: { unknown: 0, missing: 0 }, audience: { size: 100 } };
  const { id } = await store.create(inputs, () => true);
  const collected = store.userSets.collect();
  const users = seeds.filter((userId) => known.directory.find(userId) >= 0);
  for (const [i, values] of valuesOf(known, users).entries()) collected.add(`other-${i}`, 1, values);
  const matched = { version: known.version, has: () => false };
  await store.userSets.change({ kind: 'seeds', campaignId: id }, 'replace', collected, matched, 1_000_000);
  await store.expand(id);
  return id;
}

/** With ranges of one segment; by default, leases are short. */
const clusterOf = (leaseMs?: number) =>
  startCluster({ model: world.model, population, rangeSegments: 1, loaded, ...(leaseMs !== undefined && { leaseMs }) });

describe('engines of a cluster', () => {
  itUsual('have a population with dead rows and mixed user numbers', () => {
    const [summary] = summariseVersions(population).filter(({ isCurrent }) => isCurrent);
    expect(summary!.deadRows).toBeGreaterThan(0);
    expect(summary!.segments).toBe(SEGMENTS);
  });

  it('agree with an engine that works alone', { timeout: 240_000 }, async () => {
    const cluster = await startCluster({ model: world.model, population, loaded });
    expected = await rankingsOf(cluster, await expandAll(cluster, 1));
    expect(Object.keys(expected[0]!).sort()).toEqual(['customised.bin', 'order.u32', 'ranking.json', 'scores.f32']);
  });

  it.each(IS_LONG ? [3] : [2])(
    'make equal rankings and receipts that one engine reproduces, %i at a time',
    { timeout: 240_000 },
    async (hosts) => {
      const cluster = await clusterOf();
      // the first host goes on once another has scored a range too
      const areEnough = () => cluster.finished.size >= Math.min(hosts, 2);
      cluster.onRanges({ finished: () => spun(areEnough) });
      const ids = await expandAll(cluster, hosts);
      expect((await rankingsOf(cluster, ids)).map(digestsIn)).toEqual(expected.map(digestsIn));
      expect(sum(cluster.finished.values())).toBe((CAMPAIGNS.length + 1) * SEGMENTS);
      expect(areEnough()).toBe(true);
      await spun(async () => (await cluster.ranges!.stale()).length === 0);
      expect(readdirSync(join(cluster.dataDir, 'work'), { recursive: true }).filter(isFile)).toEqual([]);
      const receipt = await cluster.store.receipts.receiptOf(ids[2]!, 1);
      expect(receipt.inputs).toMatchObject({ excluded: { category: 'housing' }, four_fifths: 'age_band' });
      expect(await reproduce(receipt, { ...given, population })).toEqual([]);
    },
  );

  itUsual('ask for jobs once at a time, however many they could work on', { timeout: 240_000 }, async () => {
    const cluster = await clusterOf();
    const { store } = cluster;
    const claim = store.claim.bind(store);
    let calls = 0;
    const counted = (owner: string) => {
      calls += 1;
      return claim(owner);
    };
    Object.assign(store, { claim: counted });
    await cluster.addHost();
    const polls = 3;
    await sleep(polls * 500);
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual(polls + 1);
  });

  it.runIf(IS_LONG)('take over the ranges of one that dies', { timeout: 240_000 }, async () => {
    const cluster = await clusterOf();
    const dead = new Set<string>();
    const owners = new Set<string>();
    cluster.onRanges({
      offered: (owner) => void owners.add(owner),
      claimed: (owner) => {
        if (owners.has(owner) || dead.size > 0) return;
        dead.add(owner);
        cluster.host(owner).kill();
      },
    });
    for (let i = 0; i < 3; i++) await cluster.addHost();
    expect(digestsIn(await rankingOf(cluster))).toEqual(digestsIn(expected[0]!));
    expect(dead.size).toBe(1);
    expect([...cluster.finished.keys()]).not.toContain([...dead][0]);
    expect(sum(cluster.finished.values())).toBe(SEGMENTS);
  });

  it.runIf(IS_LONG)('continue with the parts of an owner that dies', { timeout: 240_000 }, async () => {
    const cluster = await clusterOf();
    let offers = 0;
    let owner: string | null = null;
    cluster.onRanges({
      offered: (of) => {
        offers += 1;
        owner ??= of;
      },
      finished: () => cluster.host(owner!).kill(),
    });
    for (let i = 0; i < 2; i++) await cluster.addHost();
    expect(digestsIn(await rankingOf(cluster))).toEqual(digestsIn(expected[0]!));
    // the second owner offered no ranges again, and no range was finished twice
    expect([offers, sum(cluster.finished.values())]).toEqual([1, SEGMENTS]);
  });

  it.runIf(IS_LONG)('refuse the result of an owner that stood still', { timeout: 240_000 }, async () => {
    const cluster = await clusterOf();
    let owner: string | null = null;
    cluster.onRanges({
      offered: (of) => {
        owner ??= of;
        cluster.host(owner).freeze();
      },
    });
    for (let i = 0; i < 2; i++) await cluster.addHost();
    const id = await cluster.create(world.campaigns[0]!);
    expect(await cluster.ended(id)).toMatchObject({ state: 'ready' });
    const folder = (await cluster.store.activeAudience(id)).folder;
    cluster.host(owner!).thaw();
    await sleep(3000);
    expect(digestsIn(await cluster.bytesOf(id))).toEqual(digestsIn(expected[0]!));
    expect((await cluster.store.activeAudience(id)).folder).toBe(folder);
    const versions = await cluster.store.audienceVersions(id, { limit: 10 });
    expect(versions.items).toHaveLength(1);
    // the host that stood still goes on with other work
    expect(digestsIn(await rankingOf(cluster))).toEqual(digestsIn(expected[0]!));
  });

  it.runIf(IS_LONG)(
    'double the range of one that is slow, and take the first result',
    { timeout: 240_000 },
    async () => {
      const cluster = await clusterOf(120_000);
      const owners = new Set<string>();
      let slow: string | null = null;
      cluster.onRanges({
        offered: (owner) => void owners.add(owner),
        claimed: (owner) => {
          if (owners.has(owner) || slow !== null) return;
          slow = owner;
          cluster.host(owner).freeze();
        },
      });
      for (let i = 0; i < 2; i++) await cluster.addHost();
      // no lease expires, so only a double finishes the range
      expect(digestsIn(await rankingOf(cluster))).toEqual(digestsIn(expected[0]!));
      expect([...cluster.finished]).toEqual([[[...owners][0], SEGMENTS]]);
      cluster.host(slow!).thaw();
      await sleep(3000);
      expect(sum(cluster.finished.values())).toBe(SEGMENTS);
      await spun(() => readdirSync(join(cluster.dataDir, 'work'), { recursive: true }).filter(isFile).length === 0);
    },
  );

  it.runIf(IS_LONG)(
    'compute nothing twice when the store cannot be reached for a while',
    { timeout: 240_000 },
    async () => {
      const cluster = await clusterOf(120_000);
      let [offers, claims] = [0, 0];
      cluster.onRanges({
        offered: () => {
          offers += 1;
          cluster.ranges!.outages = 6;
        },
        claimed: () => {
          claims += 1;
        },
      });
      await cluster.addHost();
      expect(digestsIn(await rankingOf(cluster))).toEqual(digestsIn(expected[0]!));
      expect([offers, claims, sum(cluster.finished.values()), cluster.ranges!.outages]).toEqual([
        1,
        SEGMENTS,
        SEGMENTS,
        0,
      ]);
    },
  );

  itUsual('refuse one whose processor rounds differently, by name', { timeout: 240_000 }, async () => {
    const cluster = await clusterOf();
    let owner: string | null = null;
    cluster.onRanges({
      offered: (of) => {
        owner ??= of;
      },
    });
    const hosts = [await cluster.addHost(), await cluster.addHost({ goldenSha256: 'other bits' })];
    expect(digestsIn(await rankingOf(cluster))).toEqual(digestsIn(expected[0]!));
    expect([...cluster.finished.keys()]).toEqual([owner]);
    const other = hosts.find((host) => host.owner !== owner)!;
    const { version } = readModelFolder(world.model).manifest;
    await spun(() => other.heartbeat().refusedModels.includes(version));
    expect(hosts.find((host) => host.owner === owner)!.heartbeat().refusedModels).toEqual([]);
  });

  itUsual('leave ranges to others while adaptations take all their threads', { timeout: 240_000 }, async () => {
    const cluster = await clusterOf();
    cluster.onRanges({});
    const busy = await cluster.addHost({ isAdapting: true });
    const id = await cluster.create(world.campaigns[0]!);
    await spun(async () => (await cluster.store.get(id)).state === 'scoring');
    const free = await cluster.addHost();
    expect(await cluster.ended(id)).toMatchObject({ state: 'ready' });
    expect(digestsIn(await cluster.bytesOf(id))).toEqual(digestsIn(expected[0]!));
    expect([busy, free].map(({ owner }) => cluster.finished.get(owner))).toEqual([undefined, SEGMENTS]);
  });

  itUsual('leave out a user who is erased after the part was written', { timeout: 240_000 }, async () => {
    const own = join(temporaryFolder(), 'population');
    cpSync(population, own, { recursive: true });
    const cluster = await startCluster({ model: world.model, population: own, rangeSegments: 1 });
    const order = new Uint32Array(new Uint8Array(expected[0]!['order.u32']!).buffer);
    const first = order[0]!;
    const known = openPopulation(own);
    cluster.onRanges({
      finished: async () => {
        if (sum(cluster.finished.values()) === SEGMENTS) await eraseUsers(own, [known.directory.id(first)], known);
      },
    });
    await cluster.addHost();
    const id = await cluster.create(CAMPAIGNS[0]!);
    expect(await cluster.ended(id)).toMatchObject({ state: 'ready' });
    const ranking = await cluster.bytesOf(id);
    expect(new Uint32Array(new Uint8Array(ranking['order.u32']!).buffer)).toEqual(order.slice(1));
    expect(new Float32Array(new Uint8Array(ranking['scores.f32']!).buffer)[first]).toBeNaN();
    // the receipt says so, because the ranking cannot be made again: neither without the user, nor with a copy that
    // still has the user
    const receipt = await cluster.store.receipts.receiptOf(id, 1);
    const [erased, ...none] = await reproduce(receipt, { ...given, population: own });
    expect([erased!.name, none]).toEqual(['erased users', []]);
    expect(await reproduce(receipt, { ...given, population })).toMatchObject([
      { name: 'candidates', expected: `${order.length - 1}`, found: `${order.length}` },
      { name: 'erased_while_ranking', expected: '1', found: '0' },
      { name: 'scores' },
      { name: 'order' },
    ]);
  });
});

/** The ranking of the first campaign. */
async function rankingOf(cluster: Cluster): Promise<Record<string, Buffer>> {
  const id = await cluster.create(world.campaigns[0]!);
  expect(await cluster.ended(id)).toMatchObject({ state: 'ready' });
  return cluster.bytesOf(id);
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}

function isFile(path: string | Buffer): boolean {
  return String(path).includes('.');
}

/** Waits until something is so. */
async function spun(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50);
}
