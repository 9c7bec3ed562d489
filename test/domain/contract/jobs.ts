/** Claims, leases, retries and ends, one case each; job-histories.ts mixes them. */
import { describe, expect, it } from 'vitest';
import { everyoneIsKnown, expand, LEASE_MS, newCampaign, PINS, resultOf } from './inputs.ts';
import type { NewData } from './new-data.ts';

const reason = { code: 'storage_failed', message: 'the disk is full' };

export function describeJobs(newData: NewData): void {
  describe('CampaignStore.claim', () => {
    it('returns the oldest job, with everything that the engine needs', () => {
      const data = newData();
      const store = data.open();
      const first = store.create(newCampaign(), everyoneIsKnown);
      store.create(newCampaign(), everyoneIsKnown);
      expect(store.claim('7:engine')).toEqual({
        traceparent: null,
        id: expect.any(String),
        expansionId: expect.any(String),
        campaignId: first.id,
        attempt: 1,
        owner: '7:engine',
        token: 1,
        externalId: null,
        features: first.features,
        filters: {},
        sets: {
          seeds: expect.stringMatching(/^[0-9a-f]{64}$/),
          positives: null,
          dismissed: null,
          suppression: null,
          commonSuppression: null,
        },
        pins: null,
        queuedAt: data.clock.now(),
      });
    });

    it('leases a job to only one of two owners', () => {
      const data = newData();
      const [a, b] = [data.open(), data.open()];
      a.create(newCampaign(), everyoneIsKnown);
      expect(a.claim('1:a')).not.toBeNull();
      expect(b.claim('2:b')).toBeNull();
    });

    it('leases it to another owner once the lease expired, from queued, with progress and pins kept', () => {
      const data = newData();
      const [a, b] = [data.open(), data.open()];
      const { id } = a.create(newCampaign(), everyoneIsKnown);
      const job = a.claim('1:a')!;
      a.pin(job, PINS);
      a.advance(job, { state: 'adapting', progress: 0.4 });
      data.clock.pass(LEASE_MS - 1);
      expect(b.claim('2:b')).toBeNull();
      data.clock.pass(1);
      expect(b.claim('2:b')).toMatchObject({ id: job.id, attempt: 2, owner: '2:b', pins: PINS });
      expect(b.get(id)).toMatchObject({ state: 'queued', progress: 0.4 });
      expect([a.renew(job), a.advance(job, { progress: 0.9 }), a.finish(job, resultOf())]).toEqual([
        false,
        false,
        false,
      ]);
      expect([a.end(job, 'failed', reason), a.retryLater(job, reason, 0)]).toEqual([false, false]);
      expect(b.get(id)).toMatchObject({ state: 'queued', progress: 0.4 });
    });

    it('does not let an owner finish its first claim once it holds the second', () => {
      const data = newData();
      const store = data.open();
      store.create(newCampaign(), everyoneIsKnown);
      const first = store.claim('1:a')!;
      data.clock.pass(LEASE_MS);
      const second = store.claim('1:a')!;
      expect(store.advance(first, { state: 'adapting' })).toBe(false);
      expect(expand(store, second)).toBe(true);
    });
  });

  describe('CampaignStore.renew', () => {
    it('renews the lease', () => {
      const data = newData();
      const store = data.open();
      store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      data.clock.pass(LEASE_MS - 1);
      expect(store.renew(job)).toBe(true);
      data.clock.pass(LEASE_MS - 1);
      expect(store.claim('2:b')).toBeNull();
    });

    it('renews an expired lease that nobody took', () => {
      const data = newData();
      const store = data.open();
      store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      data.clock.pass(10 * LEASE_MS);
      expect(store.renew(job)).toBe(true);
      expect(store.claim('2:b')).toBeNull();
    });
  });

  describe('CampaignStore.pin', () => {
    it('keeps the pins of the first attempt', () => {
      const data = newData();
      const store = data.open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      expect(store.pin(store.claim('1:a')!, PINS)).toEqual(PINS);
      data.clock.pass(LEASE_MS);
      const newer = { modelVersion: 'model-2', populationVersion: 'population-2' };
      expect(store.pin(store.claim('2:b')!, newer)).toEqual(PINS);
      expect(store.get(id)).toMatchObject(PINS);
    });

    it('pins nothing for a lost claim', () => {
      const data = newData();
      const store = data.open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const lost = store.claim('1:a')!;
      data.clock.pass(LEASE_MS);
      store.claim('2:b');
      store.pin(lost, PINS);
      expect(store.get(id).modelVersion).toBeNull();
    });
  });

  describe('CampaignStore.advance', () => {
    it('treats a step that is not in the table as a bug, and changes nothing', () => {
      const store = newData().open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      expect(() => store.advance(job, { state: 'scoring' })).toThrow('never goes from queued to scoring');
      expect(() => store.finish(job, resultOf())).toThrow('never goes from queued to ready');
      expect(store.get(id).state).toBe('queued');
    });
  });

  describe('a fencing token', () => {
    it('differs with each claim, and a stale one is refused even from an owner of the same name', () => {
      const store = newData().open();
      store.create(newCampaign(), everyoneIsKnown);
      const stale = store.claim('1:a')!;
      store.pin(stale, PINS);
      // the attempt of an engine that is stopped does not count
      store.releaseOwner('1:a', 'stopped');
      const fresh = store.claim('1:a')!;
      expect(fresh).toMatchObject({ id: stale.id, owner: stale.owner, attempt: stale.attempt });
      expect(fresh.token).toBeGreaterThan(stale.token);
      store.advance(fresh, { state: 'adapting' });
      store.advance(fresh, { state: 'scoring' });
      expect([store.isHeld(stale), store.renew(stale), store.advance(stale, { progress: 1 })]).toEqual([
        false,
        false,
        false,
      ]);
      expect([store.finish(stale, resultOf()), store.end(stale, 'failed', reason)]).toEqual([false, false]);
      expect(store.retryLater(stale, reason, 0)).toBe(false);
      expect(store.get(fresh.campaignId)).toMatchObject({ state: 'scoring', progress: 0, audienceVersion: null });
      expect(store.finish(fresh, resultOf())).toBe(true);
    });

    it('is refused once its lease was given back, even before another claim', () => {
      const data = newData();
      const store = data.open();
      store.create(newCampaign(), everyoneIsKnown);
      const first = store.claim('1:a')!;
      store.releaseOwner('1:a');
      expect(store.renew(first)).toBe(false);
      data.clock.pass(LEASE_MS + 1);
      const second = store.claim('1:a')!;
      data.clock.pass(LEASE_MS + 1);
      // an expired lease holds until another claim is made
      expect(store.renew(second)).toBe(true);
      data.clock.pass(LEASE_MS + 1);
      const third = data.open().claim('1:a')!;
      expect([first.token, second.token, third.token]).toEqual([1, 2, 3]);
      expect([store.renew(second), store.renew(third)]).toEqual([false, true]);
    });
  });

  describe('CampaignStore.finish', () => {
    it('publishes the audience and ends the job', () => {
      const data = newData();
      const store = data.open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      data.clock.pass(1000);
      expect(expand(store, job)).toBe(true);
      expect(store.get(id)).toMatchObject({
        ...PINS,
        state: 'ready',
        progress: 1,
        reason: null,
        timings: { adapting: 1.5, scoring: 0.5 },
        quality: { auc: 0.8 },
        audienceVersion: 1,
        audienceSize: 10,
        candidates: 97,
        updatedAt: data.clock.now(),
      });
      expect(store.expansion(id, job.expansionId).computedWith).toEqual(resultOf().computedWith);
      expect(store.finish(job, resultOf())).toBe(false);
      data.clock.pass(LEASE_MS);
      expect(store.claim('1:a')).toBeNull();
    });

    it('refuses a folder outside the data folder', () => {
      const store = newData().open();
      store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      expect(() => store.finish(job, resultOf({ folder: '/tmp/x' }))).toThrow('relative to the data folder');
      expect(() => store.finish(job, resultOf({ folder: 'audiences/../../x' }))).toThrow('relative to the data folder');
    });

    it('treats an expansion without pins as a bug, and publishes nothing', () => {
      const store = newData().open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      store.advance(job, { state: 'adapting' });
      store.advance(job, { state: 'scoring' });
      expect(() => store.finish(job, resultOf())).toThrow('is pinned before it is finished');
      expect(store.get(id)).toMatchObject({ state: 'scoring', audienceVersion: null });
    });
  });

  describe('CampaignStore.end', () => {
    it('ends without an audience, with the reason and the timings', () => {
      const data = newData();
      const store = data.open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const failed = { code: 'no_candidates', message: 'nobody is left' };
      expect(store.end(store.claim('1:a')!, 'failed', failed, { queued: 0.1 })).toBe(true);
      expect(store.get(id)).toMatchObject({ state: 'failed', reason: failed, timings: { queued: 0.1 }, progress: 0 });
      data.clock.pass(LEASE_MS);
      expect(store.claim('1:a')).toBeNull();
    });
  });

  describe('CampaignStore.retryLater', () => {
    it('puts the job back for later and shows the reason until the next claim', () => {
      const data = newData();
      const store = data.open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const job = store.claim('1:a')!;
      store.advance(job, { state: 'adapting' });
      expect(store.retryLater(job, reason, 5000)).toBe(true);
      expect(store.get(id)).toMatchObject({ state: 'queued', reason });
      data.clock.pass(4999);
      expect(store.claim('1:a')).toBeNull();
      data.clock.pass(1);
      expect(store.claim('1:a')).toMatchObject({ id: job.id, attempt: 2 });
      expect(store.get(id)).toMatchObject({ state: 'queued', reason: null });
    });
  });

  describe('CampaignStore.releaseOwner', () => {
    it('releases the jobs of a dead engine at once, and no others', () => {
      const store = newData().open();
      const [first, second] = [1, 2].map(() => store.create(newCampaign(), everyoneIsKnown).id);
      const dead = store.claim('1:a')!;
      const alive = store.claim('2:b')!;
      store.advance(dead, { state: 'adapting' });
      expect(store.releaseOwner('1:a')).toBe(1);
      expect(store.get(first!).state).toBe('queued');
      expect(store.renew(dead)).toBe(false);
      expect(store.renew(alive)).toBe(true);
      expect(store.claim('3:c')).toMatchObject({ campaignId: first, attempt: 2 });
      expect(alive.campaignId).toBe(second);
    });

    it('does not count attempts of an engine that was stopped on purpose, even the last', () => {
      const store = newData({ maximumAttempts: 1 }).open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const stopped = store.claim('1:a')!;
      store.advance(stopped, { state: 'adapting', progress: 0.3 });
      expect(store.releaseOwner('1:a', 'stopped')).toBe(1);
      expect(store.get(id)).toMatchObject({ state: 'queued', reason: null, progress: 0.3 });
      expect(store.claim('2:b')).toMatchObject({ attempt: 1 });
      expect(store.renew(stopped)).toBe(false);
    });
  });

  describe('CampaignStore.releaseAll', () => {
    it('releases the jobs of every owner', () => {
      const store = newData().open();
      for (const _ of [1, 2, 3]) store.create(newCampaign(), everyoneIsKnown);
      const held = ['10:a', '20:b', '10:c'].map((owner) => store.claim(owner)!);
      expect(store.releaseAll()).toBe(3);
      expect(held.map((job) => store.renew(job))).toEqual([false, false, false]);
      expect(store.claim('30:d')).toMatchObject({ campaignId: held[0]!.campaignId, attempt: 2 });
    });
  });

  describe('StoreHealth.queue', () => {
    it('is the wait of the oldest job that nobody is working on', () => {
      const data = newData();
      const store = data.open();
      expect(store.health.queue().oldestSeconds).toBe(0);
      store.create(newCampaign(), everyoneIsKnown);
      data.clock.pass(1500);
      store.create(newCampaign(), everyoneIsKnown);
      data.clock.pass(1000);
      expect(store.health.queue().oldestSeconds).toBe(2.5);
      store.claim('1:a');
      expect(store.health.queue().oldestSeconds).toBe(1);
      data.clock.pass(LEASE_MS);
      expect(store.health.queue().oldestSeconds).toBe(2.5 + LEASE_MS / 1000);
    });
  });
}
