/** Idempotency keys: of equal requests at the same moment, one creates something, whatever process receives them. */
import { describe, expect, it } from 'vitest';
import { AnsweredBefore, type IdempotentRequest } from '../../../src/domain/idempotency.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { everyoneIsKnown, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

const once = <Made extends object>(requestSha256 = 'r'): IdempotentRequest<Made> => ({
  ...{ key: 'k', requestSha256 },
  answer: (made) => JSON.stringify(made),
});
const hook = { url: 'https://example.com/', events: [], description: '' };

/** Of several equal requests, what the one that succeeded made; all others must have been answered before. */
function onlyOf<T>(outcomes: readonly PromiseSettledResult<T>[]): T {
  const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  expect(made).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AnsweredBefore);
  return made[0]!;
}

export function describeIdempotency(newData: NewData): void {
  describe('equal requests at the same moment', () => {
    it('make one campaign, with one expansion and the seeds of one', async () => {
      const { open } = newData();
      const stores = [await open(), await open()] as const;
      const create = (store: CampaignStore) => store.create(newCampaign(), everyoneIsKnown, once());
      const outcomes = await Promise.allSettled([...stores, ...stores].map(create));
      const made = onlyOf(outcomes);
      const { items } = await stores[1].list({ limit: 9 });
      expect(items.map(({ id }) => id)).toEqual([made.id]);
      expect((await stores[0].expansionsOf(made.id, { limit: 9 })).items).toHaveLength(1);
      for (const store of stores)
        expect(JSON.parse((await store.answerOf({ key: 'k', requestSha256: 'r' }))!)).toMatchObject({ id: made.id });
    });

    it('make one expansion, webhook and delivery', async () => {
      const { open, clock } = newData();
      const stores = [await open(), await open()] as const;
      const { id } = await stores[0].create(newCampaign(), everyoneIsKnown);
      onlyOf(await Promise.allSettled(stores.map((store) => store.expand(id, once('expansion')))));
      expect((await stores[0].expansionsOf(id, { limit: 9 })).items).toHaveLength(2);
      clock.pass(2 * 24 * 3600 * 1000);
      const { webhook } = onlyOf(
        await Promise.allSettled(stores.map(({ webhooks }) => webhooks.create(hook, 9, clock.now(), once('webhook')))),
      );
      expect((await stores[1].webhooks.list({ limit: 9 })).items).toHaveLength(1);
      clock.pass(2 * 24 * 3600 * 1000);
      onlyOf(await Promise.allSettled(stores.map(({ outbox }) => outbox.ping(webhook.id, clock.now(), once('ping')))));
      expect((await stores[1].outbox.deliveries(webhook.id, { limit: 9 })).items).toHaveLength(1);
    });

    it('are refused if they differ, and leave nothing', async () => {
      const { open } = newData();
      const [one, two] = [await open(), await open()];
      const { id } = await one.create(newCampaign(), everyoneIsKnown, once());
      const other = two.create(newCampaign({ seeds: ['dan', 'eve'] }), everyoneIsKnown, once('other'));
      await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused', facts: { campaign_id: id } });
      expect((await two.list({ limit: 9 })).items).toHaveLength(1);
    });
  });
}
