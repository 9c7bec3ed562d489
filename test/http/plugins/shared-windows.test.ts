/**
 * Rate limits that several nodes share: a bounded error, no waiting when the store is gone, and no key in the store.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientCounts, SharedCounts } from '../../../src/domain/ports/cluster.ts';
import { DEFAULT_SERVER_LIMITS } from '../../../src/http/limits.ts';
import { SharedWindows } from '../../../src/http/plugins/access/shared-windows.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { PostgresCounts } from '../../../src/storage/postgres/cluster/shared-counts.ts';
import { openDatabase } from '../../../src/storage/postgres/database/database.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

const LIMITS = { ...DEFAULT_SERVER_LIMITS, rateLimitWindowMs: 60_000, shareCountsMs: 5 };
const slackOf = (maximum: number) => Math.max(1, Math.floor((maximum * LIMITS.sharedCountSlackPercent) / 100));

/** Sums in memory; each answer takes up to `ms`. */
class MemoryCounts implements SharedCounts {
  readonly sums = new Map<string, number>();
  readonly #ms: () => number;
  isLost = false;

  constructor(ms: () => number = () => 0) {
    this.#ms = ms;
  }

  async add(window: number, added: ClientCounts): Promise<ClientCounts> {
    await sleep(this.#ms());
    if (this.isLost) throw new AppError('unavailable', 'lost');
    const sums = new Map<string, number>();
    for (const [client, count] of added) {
      const key = `${window} ${client}`;
      this.sums.set(key, (this.sums.get(key) ?? 0) + count);
      sums.set(client, this.sums.get(key)!);
    }
    await sleep(this.#ms());
    return sums;
  }
}

const opened: SharedWindows[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});
function node(
  counts: SharedCounts,
  now: () => number = () => 90_000,
  { kind = 'key', limits = LIMITS } = {},
): SharedWindows {
  const windows = new SharedWindows(kind, counts, { now }, limits);
  opened.push(windows);
  return windows;
}
const counted = (windows: SharedWindows, client: string, maximum: number): Promise<number> =>
  new Promise((done) => windows.count(client, '', maximum, done));
const isLetThrough = async (windows: SharedWindows, client: string, maximum: number) =>
  (await counted(windows, client, maximum)) <= maximum;

/** Sends requests to the nodes in this order, some pause after each; returns how many were let through. */
async function send(nodes: readonly SharedWindows[], order: readonly number[], maximum: number): Promise<number> {
  const decided: Promise<boolean>[] = [];
  for (const [i, which] of order.entries()) {
    decided.push(isLetThrough(nodes[which % nodes.length]!, 'a', maximum));
    if (i % 7 === 0) await sleep(1);
  }
  return (await Promise.all(decided)).filter(Boolean).length;
}

describe('shared windows', () => {
  it('let the limit through, and at most the slack of each node more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 150 }),
        fc.nat(4),
        async (count, maximum, order, ms) => {
          const delays = fc.sample(fc.nat(ms), 50);
          const counts = new MemoryCounts(() => delays.pop() ?? 0);
          const nodes = Array.from({ length: count }, () => node(counts));
          const through = await send(nodes, order, maximum);
          expect(through).toBeGreaterThanOrEqual(Math.min(order.length, maximum));
          expect(through).toBeLessThanOrEqual(maximum + (count === 1 ? 0 : count * slackOf(maximum)));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('answer without the store what is far from the limit, and share it within the interval', async () => {
    const counts = new MemoryCounts();
    const [one, other] = [node(counts), node(counts)];
    for (let i = 1; i <= 10; i++) expect(await counted(one, 'a', 100)).toBe(i);
    expect(counts.sums.size).toBe(0);
    await one.share();
    await counted(other, 'a', 100);
    await other.share();
    expect(await counted(other, 'a', 100)).toBe(12);
  });

  it('begin together on every node, and forget the former window', async () => {
    let now = 119_000;
    const counts = new MemoryCounts();
    const [one, other] = [node(counts, () => now), node(counts, () => now)];
    for (let i = 0; i < 4; i++) await counted(one, 'a', 3);
    await one.share();
    expect(await isLetThrough(one, 'a', 3)).toBe(false);
    now = 120_000;
    expect(await counted(one, 'a', 3)).toBe(1);
    expect(await counted(other, 'a', 3)).toBe(1);
  });

  it('count alone while the store is lost, and together again afterwards', async () => {
    const counts = new MemoryCounts();
    const [one, other] = [node(counts), node(counts)];
    counts.isLost = true;
    const order = Array.from({ length: 60 }, (_, i) => i);
    expect(await send([one, other], order, 10)).toBe(20);
    counts.isLost = false;
    await Promise.all([one.share(), other.share()]);
    expect([...counts.sums.values()]).toEqual([20]);
  });

  it('let no fewer through if the sums come too late', async () => {
    const limits = { ...LIMITS, sharedCountWaitMs: 30 };
    const counts = new MemoryCounts(() => 10);
    const nodes = [node(counts, undefined, { limits }), node(counts, undefined, { limits })];
    const decided = Array.from({ length: 70 }, (_, i) => isLetThrough(nodes[i < 10 ? 0 : 1]!, 'a', 50));
    expect((await Promise.all(decided)).filter(Boolean).length).toBeGreaterThanOrEqual(50);
  });

  it('keep two limits apart, and give the store no key', async () => {
    const counts = new MemoryCounts();
    const [keys, addresses] = [node(counts), node(counts, undefined, { kind: 'address' })];
    await counted(keys, 'Bearer secret', 10);
    await counted(addresses, 'Bearer secret', 10);
    await Promise.all([keys.share(), addresses.share()]);
    expect([...counts.sums.values()]).toEqual([1, 1]);
    expect([...counts.sums.keys()].join()).not.toContain('secret');
  });
});

describeWithPostgres('shared windows over Postgres', () => {
  it('hold for two nodes', async () => {
    // the database may be slow beside other tests
    const limits = { ...LIMITS, sharedCountWaitMs: 60_000 };
    const url = await openMigratedPostgres();
    const databases = [await openDatabase(url), await openDatabase(url)];
    try {
      const nodes = databases.map((database) => node(new PostgresCounts(database), undefined, { limits }));
      const order = Array.from({ length: 400 }, (_, i) => (i % 5 === 0 ? 1 : 0));
      const through = await send(nodes, order, 50);
      expect(through).toBeGreaterThanOrEqual(50);
      expect(through).toBeLessThanOrEqual(50 + 2 * slackOf(50));
    } finally {
      for (const one of opened.splice(0)) one.close();
      await sleep(100);
      for (const database of databases) await database.close();
    }
  });

  it('get sums that contain one another', async () => {
    const url = await openMigratedPostgres();
    const databases = await Promise.all([1, 2, 3].map(() => openDatabase(url)));
    try {
      const counts = databases.map((database) => new PostgresCounts(database));
      const sums: number[] = [];
      for (let i = 0; i < 20; i++)
        for (const sum of await Promise.all(counts.map((one) => one.add(1, new Map([['a', 1]])))))
          sums.push(sum.get('a')!);
      expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    } finally {
      for (const database of databases) await database.close();
    }
  });
});
