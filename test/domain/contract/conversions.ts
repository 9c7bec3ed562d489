/** Conversions: each once, in a window, and gone with their campaign, their user or their time. */
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { collected } from '../../fixture/collected.ts';
import { everyoneIsKnown, newCampaign } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
const conversion = (userId: string, happenedAt: number, value = 1) => ({ userId, happenedAt, value });
const usersOf = async (store: CampaignStore, id: string, window = ALWAYS) =>
  (await collected(store.convertedUsers(id, window))).flat();

export function describeConversions(newData: NewData): void {
  describe('conversions', () => {
    it('are summed by user within the window, and do not count again if they are sent again', async () => {
      const { store, id } = await created(newData());
      const sent = [conversion('bob', 10, 2.5), conversion('ann', 5), conversion('bob', 20), conversion('bob', 10, 3)];
      expect(await store.addConversions(id, sent)).toEqual({ received: 4, recorded: 3 });
      expect(await store.addConversions(id, sent)).toEqual({ received: 4, recorded: 0 });
      expect(await store.addConversions(id, [conversion('ann', 5, 2)])).toEqual({ received: 1, recorded: 1 });
      expect(await usersOf(store, id)).toEqual([
        { userId: 'ann', conversions: 1, value: 2 },
        { userId: 'bob', conversions: 2, value: 4 },
      ]);
      expect(await usersOf(store, id, { from: 6, to: 20 })).toEqual([{ userId: 'bob', conversions: 1, value: 3 }]);
      expect(await store.feedbackOf(id)).toEqual({ conversion: 0, click: 0, dismissal: 0 });
      await expect(store.addConversions('nobody', sent)).rejects.toMatchObject({ code: 'campaign_not_found' });
    });

    it('of many users are read in blocks, and removed when they are old or their campaign is deleted', async () => {
      const { store, id } = await created(newData());
      const other = await store.create(newCampaign(), everyoneIsKnown);
      const many = Array.from({ length: 5_000 }, (_, i) => conversion(`user-${i}`, i));
      await store.addConversions(id, many);
      await store.addConversions(other.id, [conversion('ann', 4_999)]);
      expect(await usersOf(store, id)).toHaveLength(5_000);
      await store.removeConversions(4_000);
      expect(await usersOf(store, id)).toHaveLength(1_000);
      expect(await store.delete(id)).toBeNull();
      expect(await usersOf(store, other.id)).toHaveLength(1);
      await store.removeUnusedFeedback();
      expect(await usersOf(store, other.id)).toHaveLength(1);
    });
  });
}
