/** Claims, leases, retries and ends, one case each; job-histories.ts mixes them. */
import { describe, expect, it } from 'vitest';
import { everyoneIsKnown, expand, LEASE_MS, newCampaign, PINS, resultOf } from './inputs.ts';
import { claimed, created, type NewData } from './new-data.ts';

const reason = { code: 'storage_failed', message: 'the disk is full' };

export function describeJobs(newData: NewData): void {
  describe('CampaignStore.claim', () => {
    it('returns the oldest job, with everything that the engine needs', async () => {
      const data = newData();
      const store = await data.open();
      const first = await store.create(newCampaign({ seedsConsentBasis: 'consent' }), everyoneIsKnown);
      await store.create(newCampaign(), everyoneIsKnown);
      expect(await store.claim('7:engine')).toEqual({
        traceparent: null,
        id: expect.any(String),
        expansionId: expect.any(String),
        campaignId: first.id,
        attempt: 1,
        deaths: 0,
        owner: '7:engine',
        token: 1,
        externalId: null,
        features: first.features,
        filters: {},
        negativeWeight: 1,
        category: null,
        fourFifths: null,
        sets: {
          seeds: expect.stringMatching(/^[0-9a-f]{64}/),
          positives: null,
          dismissed: null,
          negatives: null,
          suppression: null,
          commonSuppression: null,
        },
        consentBases: { seeds: 'consent' },
        pins: null,
        queuedAt: data.clock.now(),
      });
    });

    it('leases it to another owner once the lease expired, from queued, with progress and pins kept', async () => {
      const data = newData();
      const [a, b] = [await data.open(), await data.open()];
      const { id } = await a.create(newCampaign(), everyoneIsKnown);
      const job = (await a.claim('1:a'))!;
      await a.pin(job, PINS);
      await a.advance(job, { state: 'adapting', progress: 0.4 });
      data.clock.pass(LEASE_MS - 1);
      expect(await b.claim('2:b')).toBeNull();
      data.clock.pass(1);
      expect(await b.claim('2:b')).toMatchObject({ id: job.id, attempt: 2, owner: '2:b', pins: PINS });
      expect(await b.get(id)).toMatchObject({ state: 'queued', progress: 0.4 });
      expect([await a.renew(job), await a.advance(job, { progress: 0.9 }), await a.finish(job, resultOf())]).toEqual([
        false,
        false,
        false,
      ]);
      expect([await a.end(job, 'failed', reason), await a.retryLater(job, reason, 0)]).toEqual([false, false]);
      expect(await b.get(id)).toMatchObject({ state: 'queued', progress: 0.4 });
    });
  });

  describe('CampaignStore.renew', () => {
    it('renews the lease', async () => {
      const { data, store, job } = await claimed(newData());
      data.clock.pass(LEASE_MS - 1);
      expect(await store.renew(job)).toBe(true);
      data.clock.pass(LEASE_MS - 1);
      expect(await store.claim('2:b')).toBeNull();
    });

    it('renews an expired lease that nobody took', async () => {
      const { data, store, job } = await claimed(newData());
      data.clock.pass(10 * LEASE_MS);
      expect(await store.renew(job)).toBe(true);
      expect(await store.claim('2:b')).toBeNull();
    });
  });

  describe('CampaignStore.pin', () => {
    it('keeps the pins of the first attempt', async () => {
      const { data, store, id } = await created(newData());
      expect(await store.pin((await store.claim('1:a'))!, PINS)).toEqual(PINS);
      data.clock.pass(LEASE_MS);
      const newer = { modelVersion: 'model-2', populationVersion: 'population-2' };
      expect(await store.pin((await store.claim('2:b'))!, newer)).toEqual(PINS);
      expect(await store.get(id)).toMatchObject(PINS);
    });

    it('pins nothing for a lost claim', async () => {
      const { data, store, id, job: lost } = await claimed(newData());
      data.clock.pass(LEASE_MS);
      await store.claim('2:b');
      await store.pin(lost, PINS);
      expect((await store.get(id)).modelVersion).toBeNull();
    });
  });

  describe('CampaignStore.advance', () => {
    it('treats a step that is not in the table as a bug, and changes nothing', async () => {
      const { store, id, job } = await claimed(newData());
      await expect(store.advance(job, { state: 'scoring' })).rejects.toThrow('never goes from queued to scoring');
      await expect(store.finish(job, resultOf())).rejects.toThrow('never goes from queued to ready');
      expect((await store.get(id)).state).toBe('queued');
    });
  });

  describe('a fencing token', () => {
    it('differs with each claim, and a stale one is refused even from an owner of the same name', async () => {
      const { store, job: stale } = await claimed(newData());
      await store.pin(stale, PINS);
      // the attempt of an engine that is stopped does not count
      await store.releaseOwner('1:a', 'stopped');
      const fresh = (await store.claim('1:a'))!;
      expect(fresh).toMatchObject({ id: stale.id, owner: stale.owner, attempt: stale.attempt });
      expect(fresh.token).toBeGreaterThan(stale.token);
      await store.advance(fresh, { state: 'adapting' });
      await store.advance(fresh, { state: 'scoring' });
      expect([
        await store.isHeld(stale),
        await store.renew(stale),
        await store.advance(stale, { progress: 1 }),
      ]).toEqual([false, false, false]);
      expect([await store.finish(stale, resultOf()), await store.end(stale, 'failed', reason)]).toEqual([false, false]);
      expect(await store.retryLater(stale, reason, 0)).toBe(false);
      expect(await store.get(fresh.campaignId)).toMatchObject({ state: 'scoring', progress: 0, audienceVersion: null });
      expect(await store.finish(fresh, resultOf())).toBe(true);
    });

    it('is refused once its lease was given back, even before another claim', async () => {
      const { data, store, job: first } = await claimed(newData());
      await store.releaseOwner('1:a');
      expect(await store.renew(first)).toBe(false);
      data.clock.pass(LEASE_MS + 1);
      const second = (await store.claim('1:a'))!;
      data.clock.pass(LEASE_MS + 1);
      // an expired lease holds until another claim is made
      expect(await store.renew(second)).toBe(true);
      data.clock.pass(LEASE_MS + 1);
      const third = (await (await data.open()).claim('1:a'))!;
      expect([first.token, second.token, third.token]).toEqual([1, 2, 3]);
      expect([await store.renew(second), await store.renew(third)]).toEqual([false, true]);
    });
  });

  describe('CampaignStore.finish', () => {
    it('publishes the audience and ends the job', async () => {
      const { data, store, id, job } = await claimed(newData());
      data.clock.pass(1000);
      expect(await expand(store, job)).toBe(true);
      expect(await store.get(id)).toMatchObject({
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
      expect((await store.expansion(id, job.expansionId)).computedWith).toEqual(resultOf().computedWith);
      expect(await store.finish(job, resultOf())).toBe(false);
      data.clock.pass(LEASE_MS);
      expect(await store.claim('1:a')).toBeNull();
    });

    it('refuses a folder outside the blobs', async () => {
      const { store, job } = await claimed(newData());
      for (const folder of ['/tmp/x', 'audiences/../../x'])
        await expect(store.finish(job, resultOf({ folder }))).rejects.toThrow(
          /is relative to the (data folder|storage of blobs)/,
        );
    });

    it('treats an expansion without pins as a bug, and publishes nothing', async () => {
      const { store, id, job } = await claimed(newData());
      await store.advance(job, { state: 'adapting' });
      await store.advance(job, { state: 'scoring' });
      await expect(store.finish(job, resultOf())).rejects.toThrow('is pinned before it is finished');
      expect(await store.get(id)).toMatchObject({ state: 'scoring', audienceVersion: null });
    });
  });

  describe('CampaignStore.end', () => {
    it('ends without an audience, with the reason and the timings', async () => {
      const { data, store, id } = await created(newData());
      const failed = { code: 'no_candidates', message: 'nobody is left' };
      expect(await store.end((await store.claim('1:a'))!, 'failed', failed, { queued: 0.1 })).toBe(true);
      expect(await store.get(id)).toMatchObject({
        state: 'failed',
        reason: failed,
        timings: { queued: 0.1 },
        progress: 0,
      });
      data.clock.pass(LEASE_MS);
      expect(await store.claim('1:a')).toBeNull();
    });
  });

  describe('CampaignStore.retryLater', () => {
    it('puts the job back for later and shows the reason until the next claim', async () => {
      const { data, store, id, job } = await claimed(newData());
      await store.advance(job, { state: 'adapting' });
      expect(await store.retryLater(job, reason, 5000)).toBe(true);
      expect(await store.get(id)).toMatchObject({ state: 'queued', reason });
      data.clock.pass(4999);
      expect(await store.claim('1:a')).toBeNull();
      data.clock.pass(1);
      expect(await store.claim('1:a')).toMatchObject({ id: job.id, attempt: 2 });
      expect(await store.get(id)).toMatchObject({ state: 'queued', reason: null });
    });
  });

  describe('StoreHealth.queue', () => {
    it('is the wait of the oldest job that nobody is working on', async () => {
      const data = newData();
      const store = await data.open();
      expect((await store.health.queue()).oldestSeconds).toBe(0);
      await store.create(newCampaign(), everyoneIsKnown);
      data.clock.pass(1500);
      await store.create(newCampaign(), everyoneIsKnown);
      data.clock.pass(1000);
      expect((await store.health.queue()).oldestSeconds).toBe(2.5);
      await store.claim('1:a');
      expect((await store.health.queue()).oldestSeconds).toBe(1);
      data.clock.pass(LEASE_MS);
      expect((await store.health.queue()).oldestSeconds).toBe(2.5 + LEASE_MS / 1000);
    });
  });
}
