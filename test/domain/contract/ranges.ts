/** The contract of distributed expansions: offers, fenced claims, doubles, take-overs and stale offers. */
import { describe, expect, it } from 'vitest';
import { partFolder, type RangeClaim, type RangeOffer, workFolder } from '../../../src/domain/ports/ranges.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { phaseOf, rangesOf } from '../../../src/domain/ranges.ts';
import type { Job } from '../../../src/domain/types.ts';
import { everyoneIsKnown, LEASE_MS, newCampaign, PINS, resultOf } from './inputs.ts';
import type { NewData, TestData } from './new-data.ts';

const RESULT = { candidates: 7, threadSeconds: 0.5, batchSize: 1024 };
const REASON = { code: 'storage_failed', message: 'the disk is full' };
const RULES = { leaseMs: LEASE_MS, maximumAttempts: 3 };

function offerOf(job: Job, changes: Partial<RangeOffer> = {}): RangeOffer {
  const folder = workFolder(job.expansionId, job.token);
  return { ...PINS, key: 'key', golden: 'golden', folder, ranges: rangesOf(5, 2), ...changes };
}

/** An expansion that is being scored, with its ranges offered. */
async function offered(store: CampaignStore, changes: Partial<RangeOffer> = {}, owner = '1:owner'): Promise<Job> {
  await store.create(newCampaign(), everyoneIsKnown);
  const job = (await store.claim(owner))!;
  await store.pin(job, PINS);
  await store.advance(job, { state: 'adapting' });
  await store.advance(job, { state: 'scoring' });
  expect(await store.ranges!.offer(job, offerOf(job, changes))).toBe(true);
  return job;
}

async function claim(store: CampaignStore, owner: string, most = 1, refused: readonly string[] = []) {
  return await store.ranges!.claim({ owner, most, refused });
}

async function phases(store: CampaignStore, job: Job): Promise<string[]> {
  return (await store.ranges!.stateOf(job))!.ranges.map(({ state }) => phaseOf(state, RULES));
}

async function claimAll(store: CampaignStore, owner: string): Promise<RangeClaim[]> {
  const claims: RangeClaim[] = [];
  for (let next = await claim(store, owner); next.length > 0; next = await claim(store, owner)) claims.push(...next);
  return claims;
}

export function describeRanges(newData: NewData): void {
  describe('RangeWork.claim', () => {
    it('gives each range to one engine, with the inputs of its expansion', async () => {
      const data = newData();
      const [store, other] = [await data.open(), await data.open()];
      const job = await offered(store);
      const [first] = await claim(store, '2:a');
      const { expansionId, campaignId } = job;
      const inputs = { ...PINS, key: 'key', golden: 'golden', folder: workFolder(expansionId, job.token) };
      const claimed = { ...inputs, expansionId, campaignId, owner: '2:a', token: 1 };
      expect(first).toEqual({ ...claimed, number: 0, range: { from: 0, to: 2 } });
      const rest = await claimAll(other, '3:b');
      expect(rest.map(({ range, token }) => [range.from, range.to, token])).toEqual([
        [2, 4, 1],
        [4, 5, 1],
      ]);
      expect(await phases(store, job)).toEqual(['running', 'running', 'running']);
    });

    it('is counted by phase, as are doubled ranges', async () => {
      const store = await newData().open();
      const job = await offered(store);
      const [first] = await claim(store, '2:a');
      await store.ranges!.finish(first!, RESULT);
      const [second] = await claim(store, '2:a');
      await store.ranges!.double(job, [second!.number]);
      expect(await store.ranges!.counts()).toEqual({
        ...{ phases: { waiting: 1, running: 1, finished: 1, failed: 0 }, doubled: 1 },
      });
      // an offer that was replaced does not count
      await store.ranges!.offer(job, offerOf(job, { folder: `${workFolder(job.expansionId, job.token)}-2` }));
      expect(await store.ranges!.counts()).toMatchObject({ phases: { waiting: 3, finished: 0 }, doubled: 0 });
    });

    it('gives no range to two engines that ask at the same time', async () => {
      const data = newData();
      const stores = [await data.open(), await data.open()];
      await offered(stores[0]!, { ranges: rangesOf(12, 1) });
      const all = await Promise.all([0, 1, 0, 1].map((i, n) => claimAll(stores[i]!, `${n}:engine`)));
      const rest = await claimAll(stores[0]!, '9:rest'); // what others had locked when they were looked for
      const numbers = [...all, rest].flat().map(({ number }) => number);
      expect(numbers.sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
    });

    it('adds the same segments of other expansions, which share the pass, and no others', async () => {
      const store = await newData().open();
      const jobs = [await offered(store), await offered(store), await offered(store, { ranges: rangesOf(5, 3) })];
      const claims = await claim(store, '2:a', 8);
      expect(claims.map(({ expansionId, number }) => [expansionId, number])).toEqual([
        [jobs[0]!.expansionId, 0],
        [jobs[1]!.expansionId, 0],
      ]);
      expect((await claim(store, '2:a', 1)).map(({ expansionId, number }) => [expansionId, number])).toEqual([
        [jobs[0]!.expansionId, 1],
      ]);
    });

    it('follows an announcement', async () => {
      const data = newData();
      const [store, other] = [await data.open(), await data.open()];
      let told = 0;
      other.ranges!.listen(() => {
        told += 1;
      });
      await offered(store);
      await expect.poll(() => told, { timeout: 5000 }).toBeGreaterThan(0);
      const claims = await claimAll(other, '2:a');
      for (const held of claims.slice(1)) expect(await other.ranges!.finish(held, RESULT)).toBe(true);
      let finished = 0;
      store.ranges!.listen(() => {
        finished += 1;
      });
      expect(await other.ranges!.finish(claims[0]!, RESULT)).toBe(true);
      await expect.poll(() => finished, { timeout: 5000 }).toBeGreaterThan(0);
    });

    it('leaves out what the engine does not reproduce', async () => {
      const store = await newData().open();
      const [first, second] = [await offered(store), await offered(store, { golden: 'other' })];
      const refused = await claim(store, '2:a');
      expect(refused[0]!.expansionId).toBe(first.expansionId);
      await store.ranges!.refuse(refused);
      expect((await claim(store, '2:a', 8, ['golden']))[0]!.expansionId).toBe(second.expansionId);
      expect((await claim(store, '3:b'))[0]).toMatchObject({ expansionId: first.expansionId, number: 0, token: 2 });
    });

    it('takes a range again when the lease of its engine has expired, and refuses that engine', async () => {
      const data = newData();
      const store = await data.open();
      const job = await offered(store);
      const [dead] = await claim(store, '2:a');
      const rest = await claimAll(store, '3:b');
      data.clock.pass(LEASE_MS - 1);
      expect(await store.ranges!.renew(rest)).toEqual(rest);
      expect(await claim(store, '4:c')).toEqual([]);
      data.clock.pass(1);
      expect(await phases(store, job)).toEqual(['waiting', 'running', 'running']);
      const [again] = await claim(store, '4:c');
      expect(again).toMatchObject({ number: 0, token: 2 });
      expect(await store.ranges!.renew([dead!])).toEqual([]);
      expect(await store.ranges!.finish(dead!, RESULT)).toBe(false);
      expect(await store.ranges!.finish(again!, RESULT)).toBe(true);
    });

    it('ends with the expansion', async () => {
      const store = await newData().open();
      const job = await offered(store);
      const [held] = await claim(store, '2:a');
      await store.cancel(job.campaignId, job.expansionId);
      expect(await claim(store, '3:b')).toEqual([]);
      expect(await store.ranges!.renew([held!])).toEqual([]);
      expect(await store.ranges!.finish(held!, RESULT)).toBe(false);
      expect(await store.ranges!.fail(held!, REASON, 0)).toBe(false);
      expect(await store.ranges!.stateOf(job)).toBeNull();
      const folder = workFolder(job.expansionId, job.token);
      const stale = await store.ranges!.stale();
      expect(stale).toEqual([{ folder, parts: [partFolder(folder, 0, { token: 1 })] }]);
      await store.ranges!.forget(stale[0]!);
      expect(await store.ranges!.stale()).toEqual([]);
    });
  });

  describe('RangeWork.double', () => {
    it('gives a range to a second engine, and only the first result counts', async () => {
      const data = newData();
      const store = await data.open();
      const job = await offered(store);
      const [slow] = await claimAll(store, '2:a');
      expect(await claim(store, '3:b')).toEqual([]);
      expect(await store.ranges!.double(job, [0])).toBe(true);
      expect(await claim(store, '2:a')).toEqual([]);
      const [second] = await claim(store, '3:b');
      expect(second).toMatchObject({ number: 0, token: slow!.token + 1 });
      expect(await claim(store, '4:c')).toEqual([]);
      expect(await store.ranges!.renew([slow!, second!])).toEqual([slow, second]);
      data.clock.pass(1500);
      expect(await store.ranges!.finish(second!, RESULT)).toBe(true);
      expect(await store.ranges!.finish(slow!, { ...RESULT, candidates: 8 })).toBe(false);
      const { state } = (await store.ranges!.stateOf(job))!.ranges[0]!;
      expect(state.finished).toEqual({ ...RESULT, owner: '3:b', token: second!.token, tookMs: 1500 });
    });
  });

  describe('RangeWork.fail', () => {
    it('puts a range back for later, and fails it after its last attempt', async () => {
      const data = newData();
      const store = await data.open();
      const job = await offered(store, { ranges: rangesOf(1, 1) });
      for (let attempt = 1; attempt <= RULES.maximumAttempts; attempt++) {
        const [held] = await claim(store, '2:a');
        expect(await store.ranges!.fail(held!, REASON, 500)).toBe(true);
        expect(await claim(store, '2:a')).toEqual([]);
        data.clock.pass(500);
      }
      expect(await claim(store, '2:a')).toEqual([]);
      expect(await phases(store, job)).toEqual(['failed']);
      expect((await store.ranges!.stateOf(job))!.ranges[0]!.state.reason).toEqual(REASON);
    });
  });

  describe('RangeWork.release', () => {
    it('frees the ranges of an engine at once, and counts no attempt of an engine that was stopped', async () => {
      const store = await newData().open();
      const job = await offered(store);
      const [held] = await claim(store, '2:a');
      const [alive] = await claim(store, '3:b');
      expect(await store.ranges!.release('2:a', 'stopped')).toBe(1);
      expect(await store.ranges!.renew([held!, alive!])).toEqual([alive]);
      expect(await claim(store, '4:c')).toMatchObject([{ number: 0, token: 2 }]);
      expect(await store.ranges!.release('4:c', 'died')).toBe(1);
      const { state } = (await store.ranges!.stateOf(job))!.ranges[0]!;
      expect(state).toMatchObject({ deaths: 1, failures: 0, holders: [] });
    });
  });

  describe('RangeWork.resume', () => {
    it('continues with the finished ranges and the claims of an earlier attempt with the same key', async () => {
      const store = await newData().open();
      const job = await offered(store);
      const [done, held] = await claimAll(store, '2:a');
      expect(await store.ranges!.finish(done!, RESULT)).toBe(true);
      await store.releaseOwner('1:owner', 'stopped');
      const next = (await store.claim('5:next'))!;
      expect(await store.ranges!.stateOf(job)).toBeNull();
      expect(await store.ranges!.double(job, [1])).toBe(false);
      expect(await store.ranges!.resume(next, 'another key', rangesOf(5, 2))).toBeNull();
      expect(await store.ranges!.resume(next, 'key', rangesOf(5, 3))).toBeNull();
      const resumed = await store.ranges!.resume(next, 'key', rangesOf(5, 2));
      expect(resumed).toMatchObject({ folder: workFolder(job.expansionId, job.token), key: 'key' });
      expect(await phases(store, next)).toEqual(['finished', 'running', 'running']);
      expect(await store.ranges!.finish(held!, RESULT)).toBe(true);
      expect(await store.ranges!.resume(job, 'key', rangesOf(5, 2))).toBeNull();
    });

    it('tries failed ranges again', async () => {
      const data = newData();
      const store = await data.open();
      await offered(store, { ranges: rangesOf(1, 1) });
      for (let attempt = 1; attempt <= RULES.maximumAttempts; attempt++)
        expect(await store.ranges!.fail((await claim(store, '2:a'))[0]!, REASON, 0)).toBe(true);
      await store.releaseOwner('1:owner', 'stopped');
      const next = (await store.claim('5:next'))!;
      expect(await claim(store, '2:a')).toEqual([]);
      await store.ranges!.resume(next, 'key', rangesOf(1, 1));
      expect(await phases(store, next)).toEqual(['waiting']);
      expect(await claim(store, '2:a')).toMatchObject([{ token: RULES.maximumAttempts + 1 }]);
    });

    it('is replaced by an offer with other inputs, whose ranges start over', async () => {
      const store = await newData().open();
      const job = await offered(store);
      const [held] = await claim(store, '2:a');
      await store.releaseOwner('1:owner', 'stopped');
      const next = (await store.claim('5:next'))!;
      expect(await store.ranges!.offer(job, offerOf(job))).toBe(false);
      expect(await store.ranges!.offer(next, offerOf(next, { key: 'another key' }))).toBe(true);
      expect(await store.ranges!.finish(held!, RESULT)).toBe(false);
      expect(await store.ranges!.stale()).toMatchObject([{ folder: workFolder(job.expansionId, job.token) }]);
      expect(await claim(store, '2:a')).toMatchObject([{ number: 0, token: 1, key: 'another key' }]);
    });
  });

  describe('the offer of a finished expansion', () => {
    it('is stale', async () => {
      const store = await newData().open();
      const job = await offered(store, { ranges: rangesOf(1, 1) });
      expect(await store.ranges!.finish((await claim(store, '2:a'))[0]!, RESULT)).toBe(true);
      expect(await store.ranges!.stale()).toEqual([]);
      expect(await store.finish(job, resultOf())).toBe(true);
      expect(await store.ranges!.stale()).toHaveLength(1);
    });
  });
}

/** The contract's data with distributed expansions from elsewhere, for a store that has none of its own. */
export function withRanges(
  newData: NewData,
  rangesFor: (store: CampaignStore, data: TestData) => CampaignStore['ranges'],
) {
  return (options: Parameters<NewData>[0] = {}): TestData => {
    const data = newData(options);
    let ranges: CampaignStore['ranges'] = null;
    return {
      ...data,
      open: async () => {
        const store = await data.open();
        ranges ??= rangesFor(store, data);
        return { ...store, ranges };
      },
    };
  };
}
