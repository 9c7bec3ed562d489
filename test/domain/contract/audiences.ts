/** Sizes, versions and the cache of active audiences over two connections. */
import { describe, expect, it } from 'vitest';
import { everyoneIsKnown, expand, newCampaign, PINS } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

export function describeAudiences(newData: NewData): void {
  describe('activeAudience', () => {
    it('holds out the same users in every version, and other users in each campaign', async () => {
      const store = await newData().open();
      const heldOut = async (holdoutPercent: number) => {
        const { id } = await store.create(newCampaign({ holdoutPercent }), everyoneIsKnown);
        await expand(store, (await store.claim('1:a'))!, { folder: `audiences/${id}/e` });
        return { id, holdout: (await store.activeAudience(id)).holdout! };
      };
      const { id, holdout } = await heldOut(12.5);
      const users = Array.from({ length: 1_000 }, (_, user) => user).filter((user) => holdout.has(user));
      expect([holdout.percent, users.length > 50]).toEqual([12.5, true]);
      await store.update(id, { holdoutPercent: 40 });
      const { version, size, holdout: more } = await store.activeAudience(id);
      expect([version, size, more?.percent]).toEqual([2, 10, 40]);
      expect(users.filter((user) => !more!.has(user))).toEqual([]);
      const other = (await heldOut(12.5)).holdout;
      expect(users.every((user) => other.has(user))).toBe(false);
      await store.update(id, { holdoutPercent: 0, audience: { size: 5 } });
      expect(await store.activeAudience(id)).toMatchObject({ version: 3, size: 5, holdout: null });
    });

    it('holds out the percentages of the versions that were active in a window', async () => {
      const data = newData();
      const store = await data.open();
      const { id } = await store.create(newCampaign({ holdoutPercent: 10 }), everyoneIsKnown);
      await expand(store, (await store.claim('1:a'))!);
      const times = [data.clock.now()];
      for (const holdoutPercent of [20, 0]) {
        data.clock.pass(1_000);
        await store.update(id, { holdoutPercent });
        times.push(data.clock.now());
      }
      const [first, second, third] = times as [number, number, number];
      const windows: [number, number][] = [
        [first, second],
        [first + 1, second + 1],
        [second, third],
        [0, third + 1],
        [third + 1, third + 2],
        [0, first],
      ];
      const found = await Promise.all(windows.map(([from, to]) => store.holdoutPercentsIn(id, { from, to })));
      expect(found).toEqual([[10], [10, 20], [20], [0, 10, 20], [0], []]);
    });

    it('has the ranking and the counts', async () => {
      const data = newData();
      const store = await data.open();
      const { id } = await store.create(newCampaign({ audience: { percent: 50 } }), everyoneIsKnown);
      await expand(store, (await store.claim('1:a'))!, { folder: 'audiences/c/e' });
      const audience = {
        campaignId: id,
        version: 1,
        size: 50,
        holdout: null,
        cuts: [],
        candidates: 97,
        folder: 'audiences/c/e',
        populationVersion: PINS.populationVersion,
        populationSize: 100,
        expansionId: (await store.get(id)).expansionId,
        isActive: true,
        cause: 'created',
        changed: null,
        createdAt: data.clock.now(),
      };
      expect(await store.activeAudience(id)).toEqual(audience);
      expect(await store.audienceVersion(id, 1)).toEqual(audience);
      expect(await store.get(id)).toMatchObject({
        audienceVersion: 1,
        audienceSize: 50,
        candidates: 97,
        state: 'ready',
      });
    });

    it('is seen after another connection finished it, and then cached', async () => {
      const data = newData();
      const [api, engine] = [await data.open(), await data.open()];
      const first = await api.create(newCampaign(), everyoneIsKnown);
      const second = await api.create(newCampaign(), everyoneIsKnown);
      await expand(engine, (await engine.claim('1:a'))!);
      const remembered = await api.activeAudience(first.id);
      expect(await api.activeAudience(first.id)).toBe(remembered);
      await expect(api.activeAudience(second.id)).rejects.toThrow('has no audience');
      await expand(engine, (await engine.claim('1:a'))!, { candidates: 5 });
      await data.caughtUp();
      expect((await api.activeAudience(second.id)).size).toBe(5);
      expect(await api.activeAudience(first.id)).toEqual(remembered);
    });

    it('stays cached over commits that change no active version, and is up to date after one that does', async () => {
      const data = newData();
      const [api, engine] = [await data.open(), await data.open()];
      const { id } = await api.create(newCampaign(), everyoneIsKnown);
      await expand(engine, (await engine.claim('1:a'))!);
      const [one, all] = [await api.activeAudience(id), await api.activeAudiences()];
      await engine.update(id, { name: 'another' });
      await engine.create(newCampaign(), everyoneIsKnown);
      await data.caughtUp();
      expect(await api.activeAudience(id)).toBe(one);
      expect(await api.activeAudiences()).toBe(all);
      await engine.update(id, { audience: { size: 3 } });
      await data.caughtUp();
      expect(await api.activeAudience(id)).toMatchObject({ version: 2, size: 3 });
      expect(await api.activeAudiences()).toMatchObject([{ version: 2 }]);
      await engine.activate(id, 1);
      await data.caughtUp();
      expect(await api.activeAudiences()).toMatchObject([{ version: 1 }]);
      await engine.delete(id);
      await data.caughtUp();
      expect(await api.activeAudiences()).toEqual([]);
      await expect(api.activeAudience(id)).rejects.toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
    });

    it('is seen after this connection finished it', async () => {
      const { store, id } = await created(newData());
      await expect(store.activeAudience(id)).rejects.toThrow('has no audience');
      await expand(store, (await store.claim('1:a'))!);
      expect((await store.activeAudience(id)).version).toBe(1);
    });

    it('throws audience_not_ready with the state and when to retry', async () => {
      const { store, id } = await created(newData());
      await expect(store.activeAudience(id)).rejects.toThrow(
        expect.objectContaining({ code: 'audience_not_ready', facts: { state: 'queued', retry_after: 2 } }),
      );
      const job = (await store.claim('1:a'))!;
      await store.end(job, 'failed', { code: 'no_candidates', message: 'nobody is left' });
      await expect(store.activeAudience(id)).rejects.toThrow(
        expect.objectContaining({ code: 'audience_not_ready', facts: { state: 'failed', retry_after: 60 } }),
      );
    });

    it('says campaign_not_found', async () => {
      const store = await newData().open();
      await expect(store.activeAudience('nobody')).rejects.toThrow(
        expect.objectContaining({ code: 'campaign_not_found' }),
      );
    });
  });

  describe('audienceVersion', () => {
    it('throws audience_not_found for a missing version, campaign_not_found for a missing campaign', async () => {
      const { store, id } = await created(newData());
      await expand(store, (await store.claim('1:a'))!);
      await expect(store.audienceVersion(id, 2)).rejects.toThrow(
        expect.objectContaining({ code: 'audience_not_found' }),
      );
      await expect(store.audienceVersion('nobody', 1)).rejects.toThrow(
        expect.objectContaining({ code: 'campaign_not_found' }),
      );
    });
  });
}
