/** Sizes, versions and the cache of active audiences over two connections. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { everyoneIsKnown, expand, newCampaign, PINS } from './inputs.ts';
import type { NewData } from './new-data.ts';

export function describeAudiences(newData: NewData): void {
  describe('activeAudience', () => {
    it('has the ranking and the counts', () => {
      const data = newData();
      const store = data.open();
      const { id } = store.create(newCampaign({ audience: { percent: 50 } }), everyoneIsKnown);
      expand(store, store.claim('1:a')!, { folder: 'audiences/c/e' });
      const audience = {
        campaignId: id,
        version: 1,
        size: 50,
        candidates: 97,
        folder: 'audiences/c/e',
        populationVersion: PINS.populationVersion,
        populationSize: 100,
        expansionId: store.get(id).expansionId,
        isActive: true,
        createdAt: data.clock.now(),
      };
      expect(store.activeAudience(id)).toEqual(audience);
      expect(store.audienceVersion(id, 1)).toEqual(audience);
      expect(store.get(id)).toMatchObject({ audienceVersion: 1, audienceSize: 50, candidates: 97, state: 'ready' });
    });

    it('is seen in the next turn after another connection finished it, and then cached', async () => {
      const data = newData();
      const [api, engine] = [data.open(), data.open()];
      const first = api.create(newCampaign(), everyoneIsKnown);
      const second = api.create(newCampaign(), everyoneIsKnown);
      expand(engine, engine.claim('1:a')!);
      const remembered = api.activeAudience(first.id);
      expect(api.activeAudience(first.id)).toBe(remembered);
      expect(() => api.activeAudience(second.id)).toThrow('has no audience');
      expand(engine, engine.claim('1:a')!, { candidates: 5 });
      await setImmediate();
      expect(api.activeAudience(second.id).size).toBe(5);
      expect(api.activeAudience(first.id)).toEqual(remembered);
    });

    it('stays cached over commits that change no active version, and is up to date in the turn after one that does', async () => {
      const data = newData();
      const [api, engine] = [data.open(), data.open()];
      const { id } = api.create(newCampaign(), everyoneIsKnown);
      expand(engine, engine.claim('1:a')!);
      const [one, all] = [api.activeAudience(id), api.activeAudiences()];
      engine.update(id, { name: 'another' });
      engine.create(newCampaign(), everyoneIsKnown);
      await setImmediate();
      expect(api.activeAudience(id)).toBe(one);
      expect(api.activeAudiences()).toBe(all);
      engine.update(id, { audience: { size: 3 } });
      await setImmediate();
      expect(api.activeAudience(id)).toMatchObject({ version: 2, size: 3 });
      expect(api.activeAudiences()).toMatchObject([{ version: 2 }]);
      engine.activate(id, 1);
      await setImmediate();
      expect(api.activeAudiences()).toMatchObject([{ version: 1 }]);
      engine.delete(id);
      await setImmediate();
      expect(api.activeAudiences()).toEqual([]);
      expect(() => api.activeAudience(id)).toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
    });

    it('is seen after this connection finished it', () => {
      const store = newData().open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      expect(() => store.activeAudience(id)).toThrow('has no audience');
      expand(store, store.claim('1:a')!);
      expect(store.activeAudience(id).version).toBe(1);
    });

    it('throws audience_not_ready with the state and when to retry', () => {
      const store = newData().open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      expect(() => store.activeAudience(id)).toThrow(
        expect.objectContaining({ code: 'audience_not_ready', facts: { state: 'queued', retry_after: 2 } }),
      );
      const job = store.claim('1:a')!;
      store.end(job, 'failed', { code: 'no_candidates', message: 'nobody is left' });
      expect(() => store.activeAudience(id)).toThrow(
        expect.objectContaining({ code: 'audience_not_ready', facts: { state: 'failed', retry_after: 60 } }),
      );
    });

    it('says campaign_not_found', () => {
      const store = newData().open();
      expect(() => store.activeAudience('nobody')).toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
    });
  });

  describe('audienceVersion', () => {
    it('throws audience_not_found for a missing version, campaign_not_found for a missing campaign', () => {
      const store = newData().open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      expand(store, store.claim('1:a')!);
      expect(() => store.audienceVersion(id, 2)).toThrow(expect.objectContaining({ code: 'audience_not_found' }));
      expect(() => store.audienceVersion('nobody', 1)).toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
    });
  });
}
