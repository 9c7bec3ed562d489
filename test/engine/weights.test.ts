/** Weighted seeds and negatives reach the ranking of an engine, and equal weights change none of its bytes. */
import { expect, it, vi } from 'vitest';
import { digestsOf } from '../fixture/digest.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

it('changes a ranking by unequal weights and by negatives, and not by equal weights', {
  timeout: 120_000,
}, async () => {
  const rig = await startRig(world);
  const { supervisor, ended, folderOf } = rig;
  const store = rig.store;
  const id = await rig.create(campaign);
  await ended(id);
  const plain = digestsOf(await folderOf(id));
  const population = { version: 'any', has: () => true };
  const rankingWith = async (kind: 'seeds' | 'negatives', users: readonly (readonly [string, number])[]) => {
    const collected = store.userSets.collect();
    for (const [userId, weight] of users) collected.add(userId, weight);
    await store.userSets.change({ kind, campaignId: id }, 'replace', collected, population, 1_000_000);
    collected.close();
    await store.expand(id);
    supervisor.wake();
    await vi.waitFor(async () => expect((await store.get(id)).state).toBe('ready'), { timeout: 30_000 });
    return digestsOf(await folderOf(id));
  };
  const weighted = (weightOf: (i: number) => number) =>
    rankingWith(
      'seeds',
      campaign.seeds.map((userId, i) => [userId, weightOf(i)]),
    );
  expect(await weighted(() => 2.5)).toEqual(plain);
  expect(await weighted((i) => 1 + (i % 3))).not.toEqual(plain);
  expect(await weighted(() => 1)).toEqual(plain);
  const seeds = new Set(campaign.seeds);
  const negatives = world.campaigns[1]!.seeds.filter((userId) => !seeds.has(userId)).slice(0, 20);
  const users = negatives.map((userId): [string, number] => [userId, 1]);
  const taught = await rankingWith('negatives', users);
  expect(taught).not.toEqual(plain);
  await store.update(id, { negativeWeight: 5 });
  expect(await rankingWith('negatives', users)).not.toEqual(taught);
});
