/** Conditional changes: the condition is checked in the transaction of the change. */
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

/** A condition that is met if `read` returns `expected`. */
const isStill =
  <T>(read: (current: T) => unknown, expected: unknown) =>
  (current: T): void => {
    if (read(current) !== expected) throw new AppError('precondition_failed', 'it has changed');
  };

/** The number of fulfilled changes; expects all others to be refused by their condition. */
async function countOfMade(changes: readonly Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(changes);
  const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as AppError).code] : []));
  expect(new Set(errors)).toEqual(new Set(['precondition_failed']));
  return outcomes.length - errors.length;
}

async function twoVersions(store: CampaignStore): Promise<string> {
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  const job = (await store.claim('1:a'))!;
  await expand(store, job, { folder: `audiences/${id}/${job.expansionId}` });
  await store.update(id, { audience: { size: 5 } });
  return id;
}

export function describeConditionalChanges(newData: NewData): void {
  describe('a conditional change', () => {
    it('of a campaign is made by exactly one of two concurrent callers', async () => {
      const data = newData();
      const [one, other] = [await data.open(), await data.open()];
      const { id } = await one.create(newCampaign(), everyoneIsKnown);
      const isUnnamed = isStill(({ name }: { readonly name: string }) => name, 'spring shoes');
      const changes = [one, other].flatMap((store, caller) =>
        [0, 1, 2].map((round) => store.update(id, { name: `hats ${caller}.${round}` }, isUnnamed)),
      );
      expect(await countOfMade(changes)).toBe(1);
      expect((await other.get(id)).name).toMatch(/^hats/);
    });

    it('of a campaign merges the parts of the refresh policy', async () => {
      const data = newData();
      const [one, other] = [await data.open(), await data.open()];
      const { id } = await one.create(newCampaign(), everyoneIsKnown);
      await Promise.all([
        one.update(id, { refresh: { everyMs: 3_600_000 } }),
        other.update(id, { refresh: { onChange: true } }),
      ]);
      expect((await one.get(id)).refresh).toEqual({ everyMs: 3_600_000, onNewPopulation: false, onChange: true });
    });

    it('does not delete a campaign that has changed', async () => {
      const { store, id } = await created(newData());
      const isHats = isStill(({ name }: { readonly name: string }) => name, 'hats');
      await expect(store.delete(id, isHats)).rejects.toMatchObject({ code: 'precondition_failed' });
      expect((await store.get(id)).name).toBe('spring shoes');
      await store.update(id, { name: 'hats' });
      expect(await store.delete(id, isHats)).toBe(null);
      expect(await store.find(id)).toBe(null);
    });

    it('of a webhook is made by exactly one of two concurrent callers', async () => {
      const data = newData();
      const [one, other] = [await data.open(), await data.open()];
      const input = { url: 'https://example.com/', events: [], description: 'first' };
      const { webhook } = await one.webhooks.create(input, 5, 1);
      const isFirst = isStill(({ description }: { readonly description: string }) => description, 'first');
      const changes = [one, other].flatMap((store, caller) =>
        [0, 1].map((round) =>
          store.webhooks.update(webhook.id, { description: `later ${caller}.${round}` }, 2, isFirst),
        ),
      );
      expect(await countOfMade(changes)).toBe(1);
      expect((await other.webhooks.get(webhook.id)).description).toMatch(/^later/);
    });

    it('of the active version is made by exactly one of two concurrent callers', async () => {
      const data = newData();
      const [one, other] = [await data.open(), await data.open()];
      const id = await twoVersions(one);
      const isSecond = isStill((active: number | null) => active, 2);
      expect(await countOfMade([one.activate(id, 1, isSecond), other.activate(id, 1, isSecond)])).toBe(1);
      expect((await other.get(id)).audienceVersion).toBe(1);
      await expect(other.activate(id, 2, isSecond)).rejects.toMatchObject({ code: 'precondition_failed' });
    });
  });
}
