/** What a service does by the clock. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CampaignStore } from '../../src/domain/ports/store.ts';
import type { SetOwner } from '../../src/domain/user-sets.ts';
import { createLogger } from '../../src/lib/logging.ts';
import { ServiceClock } from '../../src/lib/service-clock.ts';
import { type HousekeepingOptions, startHousekeeping } from '../../src/service/upkeep/housekeeping.ts';
import { openStore } from '../../src/storage/sqlite/adapter.ts';
import { dataFolder } from '../fixture/folders.ts';
import { GivenLeadership, withLeadership } from '../fixture/leadership.ts';
import { RECEIPT } from '../fixture/receipt.ts';

/** The store's work goes on in later turns of the event loop; the clock moves on by the interval with each look. */
const SOON = { interval: 1 };

let folder = '';
let store: CampaignStore;
let end = () => {};
let wakes = 0;
let forgets = 0;
let isSettled = true;
let hasRoom = true;
beforeEach(async () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  folder = dataFolder();
  const clock = { now: () => Date.now(), elapsed: () => Date.now() };
  store = await openStore(folder, { clock, minimumSeeds: 1, leaseMs: 60_000, maximumAttempts: 3 });
  wakes = 0;
  forgets = 0;
  isSettled = true;
  hasRoom = true;
});
afterEach(async () => {
  end();
  await store.close();
  vi.useRealTimers();
});

const everyone = { version: 'p', has: () => true };

/** Replaces a list by `u2`, who expires in a minute, and `u3`. */
async function suppress(owner: SetOwner): Promise<void> {
  const collected = store.userSets.collect();
  for (const userId of ['u2', 'u3']) collected.add(userId);
  const expiries = new Map([['u2', Date.now() + 60_000]]);
  await store.userSets.change(owner, 'replace', collected, everyone, 9, { expiries });
  collected.close();
}

const start = (
  populationVersion: string,
  of: CampaignStore = store,
  clock: HousekeepingOptions['clock'] = {
    before: (ageMs) => (isSettled ? Date.now() - ageMs : null),
    elapsed: () => Date.now(),
    now: () => Date.now(),
    get isSettled() {
      return isSettled;
    },
  },
) => {
  end = startHousekeeping({
    store: of,
    rankings: {
      forgetDeleted: async () => {
        forgets += 1;
      },
    },
    populationVersion: () => populationVersion,
    hasRoom: () => hasRoom,
    population: () => everyone,
    retention: { versions: 1, days: 1 },
    auditDays: 1,
    conversionDays: 1,
    clock,
    wake: () => {
      wakes += 1;
    },
    logger: createLogger('silent', 'test'),
  });
};

async function create(refresh: {
  readonly everyMs: number | null;
  readonly onNewPopulation: boolean;
  readonly onChange: boolean;
}): Promise<string> {
  const { id } = await store.create(
    {
      name: 'a',
      features: {},
      featureCounts: { unknown: 0, missing: 0 },
      seeds: ['u1'],
      audience: { size: 1 },
      refresh,
    },
    () => true,
  );
  await finish();
  return id;
}

async function finish(): Promise<void> {
  const job = (await store.claim('1:a'))!;
  await store.pin(job, { modelVersion: 'm', populationVersion: 'p1' });
  await store.advance(job, { state: 'adapting' });
  await store.advance(job, { state: 'scoring' });
  const { campaignId, expansionId } = job;
  await store.finish(job, {
    folder: `audiences/${campaignId}/${expansionId}`,
    candidates: 5,
    populationSize: 6,
    excluded: { seeds: 1, suppressed: 0, filtered: 0 },
    timings: {},
    computedWith: { device: 'cpu', threads: 2, batchSize: 1024 },
    quality: {},
    receipt: RECEIPT,
  });
}

describe('startHousekeeping', () => {
  it('expands by the interval, again and again', async () => {
    const id = await create({ everyMs: 60_000, onNewPopulation: false, onChange: false });
    start('p2');
    await vi.advanceTimersByTimeAsync(55_000);
    expect([(await store.get(id)).state, wakes]).toEqual(['ready', 0]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([(await store.get(id)).state, wakes]).toEqual(['queued', 1]);
    await finish();
    await vi.advanceTimersByTimeAsync(70_000);
    expect(await store.get(id)).toMatchObject({ state: 'queued', audienceVersion: 2 });
    end();
    await finish();
    await vi.advanceTimersByTimeAsync(700_000);
    expect(await store.get(id)).toMatchObject({ state: 'ready', audienceVersion: 3 });
  });

  it('rests longer after a task that took long', async () => {
    let looks = 0;
    const slow: CampaignStore = {
      ...store,
      expandDue: async () => {
        looks += 1;
        await new Promise((done) => setTimeout(done, 3_000));
        return 0;
      },
    };
    start('p1', slow);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(looks).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(looks).toBe(2);
  });

  it('expands nothing while the disk is full, and what is due once it has room', async () => {
    const id = await create({ everyMs: 60_000, onNewPopulation: false, onChange: false });
    hasRoom = false;
    start('p2');
    await vi.advanceTimersByTimeAsync(120_000);
    expect([(await store.get(id)).state, wakes]).toEqual(['ready', 0]);
    hasRoom = true;
    await vi.advanceTimersByTimeAsync(5_000);
    expect([(await store.get(id)).state, wakes]).toEqual(['queued', 1]);
  });

  it('expands at once when the service was started with another population', async () => {
    const id = await create({ everyMs: null, onNewPopulation: true, onChange: false });
    start('p1');
    expect((await store.get(id)).state).toBe('ready');
    end();
    start('p2');
    await vi.advanceTimersByTimeAsync(0);
    expect([(await store.get(id)).state, wakes]).toEqual(['queued', 1]);
  });

  it('removes nothing for its age while nobody knows how old it is', async () => {
    const id = await create({ everyMs: null, onNewPopulation: false, onChange: false });
    for (const size of [2, 3, 4]) await store.update(id, { audience: { size } });
    isSettled = false;
    start('p1');
    await vi.advanceTimersByTimeAsync(30 * 60_000);
    expect((await store.audienceVersions(id, { limit: 9 })).items).toHaveLength(4);
    isSettled = true;
    await vi.advanceTimersByTimeAsync(11 * 60_000);
    expect((await store.audienceVersions(id, { limit: 9 })).items).toHaveLength(2);
  });

  it('removes users who have expired from lists, unless the time is uncertain, and expands campaigns again', async () => {
    const id = await create({ everyMs: null, onNewPopulation: false, onChange: true });
    const suppression = { kind: 'suppression', campaignId: id } as const;
    await suppress(suppression);
    isSettled = false;
    start('p1');
    await vi.advanceTimersByTimeAsync(5_000);
    await finish();
    await vi.advanceTimersByTimeAsync(65_000);
    expect(await store.userSets.report(suppression, everyone)).toMatchObject({ users: 2 });
    isSettled = true;
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitFor(async () => {
      const report = await store.userSets.report(suppression, everyone);
      expect(report).toMatchObject({ users: 1, expiring: { users: 0 } });
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await store.get(id)).state).toBe('queued');
  });

  it('removes users in time although a wrong clock was once trusted', async () => {
    let skewMs = 0;
    const system = { now: () => Date.now() + skewMs, elapsed: () => Date.now() };
    const clock = new ServiceClock({ system, settleMs: 1_000 });
    clock.attach(store.clock);
    for (const ms of [3, 0].map((hours) => hours * 3600_000)) {
      skewMs = ms;
      clock.look();
      await vi.advanceTimersByTimeAsync(1_000);
      clock.look();
      expect(clock.status).toMatchObject({ state: 'settled', aheadMs: 0 });
    }
    const owner = { kind: 'common_suppression' } as const;
    await suppress(owner);
    start('p1', store, clock);
    await vi.advanceTimersByTimeAsync(65_000);
    await vi.waitFor(
      async () => expect(await store.userSets.report(owner, everyone)).toMatchObject({ users: 1 }),
      SOON,
    );
  });

  it('leaves everything to the leader, and begins at once when it leads', async () => {
    const id = await create({ everyMs: 60_000, onNewPopulation: false, onChange: false });
    for (const size of [2, 3, 4]) await store.update(id, { audience: { size } });
    const input = { name: 'k', scope: 'read' as const, expiresAt: Date.now() + 1_000, labels: {} };
    const { apiKey } = await store.apiKeys.create(input, 9);
    const owner = { kind: 'common_suppression' } as const;
    await suppress(owner);
    const leadership = new GivenLeadership();
    start('p1', withLeadership(store, leadership));
    await vi.advanceTimersByTimeAsync(30 * 60_000);
    const found = async () => [
      (await store.get(id)).state,
      (await store.audienceVersions(id, { limit: 9 })).items.length,
      (await store.userSets.report(owner, everyone)).users,
    ];
    expect(await found()).toEqual(['ready', 4, 2]);
    expect(forgets).toBeGreaterThan(1);
    leadership.give();
    await vi.waitFor(async () => expect(await found()).toEqual(['queued', 2, 1]), SOON);
    expect(await store.apiKeys.recordExpired(Date.now())).toBe(0);
    expect((await store.apiKeys.get(apiKey.id)).expiresAt).toBe(input.expiresAt);
  });

  it('removes old versions, and has their rankings let go of', async () => {
    const id = await create({ everyMs: null, onNewPopulation: false, onChange: false });
    for (const size of [2, 3, 4]) await store.update(id, { audience: { size } });
    const versions = async () => (await store.audienceVersions(id, { limit: 9 })).items.map(({ version }) => version);
    start('p1');
    await vi.waitFor(async () => expect([await versions(), forgets]).toEqual([[4, 3], 1]), SOON);
    await store.update(id, { audience: { size: 5 } });
    await vi.advanceTimersByTimeAsync(11 * 60_000);
    await vi.waitFor(async () => expect([await versions(), forgets]).toEqual([[5, 4], 2]), SOON);
  });
});
