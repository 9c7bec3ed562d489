/** Releases: jobs of engines that died or were stopped go back to the queue. */
import { describe, expect, it } from 'vitest';
import { pauseMs } from '../../../src/domain/expansions.ts';
import type { Job } from '../../../src/domain/types.ts';
import { everyoneIsKnown, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

export function describeReleases(newData: NewData): void {
  describe('CampaignStore.releaseOwner', () => {
    it('releases the jobs of a dead engine, and no others; the job on which it was working waits', async () => {
      const data = newData();
      const store = await data.open();
      const first = (await store.create(newCampaign(), everyoneIsKnown)).id;
      const second = (await store.create(newCampaign(), everyoneIsKnown)).id;
      const dead = (await store.claim('1:a'))!;
      const alive = (await store.claim('2:b'))!;
      await store.advance(dead, { state: 'adapting' });
      expect(await store.releaseOwner('1:a')).toBe(1);
      expect((await store.get(first)).state).toBe('queued');
      expect(await store.renew(dead)).toBe(false);
      expect(await store.renew(alive)).toBe(true);
      expect(await store.claim('3:c')).toBeNull();
      data.clock.pass(pauseMs(1));
      expect(await store.claim('3:c')).toMatchObject({ campaignId: first, attempt: 2, deaths: 1 });
      expect(alive.campaignId).toBe(second);
    });

    it('counts the attempts on which the dead engine reported to be working, and gives the others back', async () => {
      const data = newData();
      const store = await data.open();
      for (const _ of [1, 2]) await store.create(newCampaign(), everyoneIsKnown);
      const [idle, busy] = [(await store.claim('1:a'))!, (await store.claim('1:a'))!];
      for (const job of [idle, busy]) await store.advance(job, { state: 'adapting' });
      expect(await store.releaseOwner('1:a', 'died', new Set([busy.id]))).toBe(2);
      expect(await store.claim('2:b')).toMatchObject({ id: idle.id, attempt: 1, deaths: 0 });
      data.clock.pass(pauseMs(1));
      expect(await store.claim('2:b')).toMatchObject({ id: busy.id, attempt: 2, deaths: 1 });
    });

    it('does not count attempts of an engine that was stopped on purpose, even the last', async () => {
      const store = await newData({ maximumAttempts: 1 }).open();
      const { id } = await store.create(newCampaign(), everyoneIsKnown);
      const stopped = (await store.claim('1:a'))!;
      await store.advance(stopped, { state: 'adapting', progress: 0.3 });
      expect(await store.releaseOwner('1:a', 'stopped')).toBe(1);
      expect(await store.get(id)).toMatchObject({ state: 'queued', reason: null, progress: 0.3 });
      expect(await store.claim('2:b')).toMatchObject({ attempt: 1 });
      expect(await store.renew(stopped)).toBe(false);
    });
  });
}

/** For a store that one service has alone: when the service starts, every owner belongs to a service that has ended. */
export function describeReleaseAll(newData: NewData): void {
  describe('CampaignStore.releaseAll', () => {
    it('releases the jobs of every owner', async () => {
      const store = await newData().open();
      for (const _ of [1, 2, 3]) await store.create(newCampaign(), everyoneIsKnown);
      const held: Job[] = [];
      for (const owner of ['10:a', '20:b', '10:c']) held.push((await store.claim(owner))!);
      expect(await store.releaseAll()).toBe(3);
      expect(await Promise.all(held.map((job) => store.renew(job)))).toEqual([false, false, false]);
      expect(await store.claim('30:d')).toMatchObject({ campaignId: held[0]!.campaignId, attempt: 1 });
    });
  });
}
