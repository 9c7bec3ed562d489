/** Deaths and failures of one job are counted apart, whichever way the store learns of a death. */
import { describe, expect, it } from 'vitest';
import { pauseMs } from '../../../src/domain/expansions.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { everyoneIsKnown, expand, LEASE_MS, newCampaign } from './inputs.ts';
import type { NewData, TestData } from './new-data.ts';

const MAXIMUM = 5;
const reason = { code: 'storage_failed', message: 'the disk is full' };

/** A store with one queued campaign. */
async function queued(newData: NewData) {
  const data = newData({ maximumAttempts: MAXIMUM });
  const store = await data.open();
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  return { data, store, id };
}

async function fail(store: CampaignStore): Promise<void> {
  expect(await store.retryLater((await store.claim('1:a'))!, reason, 0)).toBe(true);
}

/** Every second engine is only known to be dead because its lease expires. */
async function die(data: TestData, store: CampaignStore, i: number): Promise<void> {
  const job = await store.claim('2:b');
  expect(await store.advance(job!, { state: 'adapting' })).toBe(true);
  if (i % 2 !== 0) expect(await store.releaseOwner('2:b', 'died')).toBe(1);
  data.clock.pass(LEASE_MS);
}

export function describeAttempts(newData: NewData): void {
  describe('the maximum of attempts', () => {
    it('is reached neither by four failures and four deaths in turn, nor by stops', async () => {
      const { data, store, id } = await queued(newData);
      for (let i = 0; i < MAXIMUM - 1; i++) {
        await fail(store);
        await die(data, store, i);
        await store.claim('3:c');
        expect(await store.releaseOwner('3:c', 'stopped')).toBe(1);
      }
      expect((await store.get(id)).state).toBe('queued');
      const last = (await store.claim('4:d'))!;
      expect(last).toMatchObject({ attempt: 9, deaths: 4 });
      expect(await expand(store, last)).toBe(true);
      expect((await store.get(id)).state).toBe('ready');
    });

    it('is reached by the fifth failure, with the reason of that failure', async () => {
      const { data, store, id } = await queued(newData);
      for (let i = 0; i < MAXIMUM - 1; i++) {
        await die(data, store, i);
        await fail(store);
      }
      expect((await store.get(id)).state).toBe('queued');
      await fail(store);
      expect(await store.get(id)).toMatchObject({ state: 'failed', reason });
      expect(await store.claim('1:a')).toBeNull();
    });

    it.each([0, 1])('is reached by the fifth death, which ends the expansion as crashed (%i)', async (how) => {
      const { data, store, id } = await queued(newData);
      for (let i = 0; i < MAXIMUM - 1; i++) {
        await fail(store);
        await die(data, store, i);
      }
      await die(data, store, how);
      expect(await store.claim('1:a')).toBeNull();
      expect(await store.get(id)).toMatchObject({ state: 'failed', reason: { code: 'crashed', attempts: 9 } });
    });

    it('counts no death while the owner of an expired lease goes on', async () => {
      const { data, store, id } = await queued(newData);
      const job = (await store.claim('1:a'))!;
      await store.advance(job, { state: 'adapting' });
      for (let i = 0; i < MAXIMUM; i++) {
        data.clock.pass(LEASE_MS);
        expect(await store.renew(job)).toBe(true);
        expect(await store.claim('2:b')).toBeNull();
      }
      await store.releaseOwner('1:a', 'died');
      data.clock.pass(pauseMs(1));
      expect(await store.claim('2:b')).toMatchObject({ campaignId: id, attempt: 2, deaths: 1 });
    });
  });
}
