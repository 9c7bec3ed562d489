/**
 * Weighted seeds and negatives reach the ranking of an engine, and equal weights change none of its bytes. Seeds who are
 * not in the population teach an engine by their features.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { RowNames } from '../../src/domain/user-sets.ts';
import { openPopulation } from '../../src/population/read.ts';
import { digestsOf } from '../fixture/digest.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { valuesOf } from '../fixture/user-values.ts';
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

const population = openPopulation(world.population);
const features = valuesOf(population, campaign.seeds);

type Seed = readonly [userId: string, features?: string | undefined, weight?: number];

it('teaches by features as by ids, ranks the users who are like the seeds, and depends on no id', {
  timeout: 120_000,
}, async () => {
  const rig = await startRig(world);
  const { store, supervisor } = rig;
  const id = await rig.create(campaign);
  await rig.ended(id);
  const rankingWith = async (seeds: readonly Seed[]) => {
    const collected = store.userSets.collect();
    for (const [userId, values, weight] of seeds) collected.add(userId, weight, values);
    const matched = { version: population.version, has: (userId: string) => population.directory.find(userId) >= 0 };
    await store.userSets.change({ kind: 'seeds', campaignId: id }, 'replace', collected, matched, 1_000_000);
    collected.close();
    await store.expand(id);
    supervisor.wake();
    await vi.waitFor(async () => expect((await store.get(id)).state).toBe('ready'), { timeout: 30_000 });
    const { folder } = await store.activeAudience(id);
    const order = readFileSync(join(rig.dataDir, folder, 'order.u32'));
    const users = [...new Uint32Array(new Uint8Array(order).buffer)].map((user) => population.directory.id(user));
    return { digests: digestsOf(join(rig.dataDir, folder)), users, campaign: await store.get(id) };
  };
  const plain = digestsOf(await rig.folderOf(id));
  const byId = await rankingWith(campaign.seeds.map((userId, i) => [userId, features[i]]));
  expect(byId.digests).toEqual(plain);

  const names = new RowNames();
  const rows = features.map((values): Seed => [names.name(values), values]);
  const byFeatures = await rankingWith(rows);
  const size = campaign.seeds.length;
  expect(byFeatures.campaign.seeds).toMatchObject({ known: 0, unknown: 0, outside: size });
  expect(byFeatures.campaign.quality).toMatchObject({ held_out: null, prediction: { verdict: 'unsure' } });
  // all candidates are ranked, among them the users who have the seeds' features
  expect(byFeatures.users).toHaveLength(byId.users.length + size);
  const isSeed = new Set(campaign.seeds);
  const others = byFeatures.users.filter((userId) => !isSeed.has(userId));
  const top = Math.round(0.1 * others.length);
  const shared = new Set(byId.users.slice(0, top));
  expect(others.slice(0, top).filter((userId) => shared.has(userId)).length / top).toBeGreaterThan(0.8);
  // of which a random ranking would have a tenth in its first tenth
  const best = byFeatures.users.slice(0, byFeatures.users.length / 10).filter((userId) => isSeed.has(userId));
  expect(best.length / size).toBeGreaterThan(0.4);

  const renamed = features.map((values, i): Seed => [`other-${i}`, values]).toReversed();
  expect((await rankingWith(renamed)).digests).toEqual(byFeatures.digests);
  expect((await rankingWith(renamed.map(([userId, values], i) => [userId, values, 1 + (i % 3)]))).digests).not.toEqual(
    byFeatures.digests,
  );
  const mixed = campaign.seeds.map((userId, i): Seed => (i % 2 === 0 ? [userId] : rows[i]!));
  const { quality } = (await rankingWith(mixed)).campaign;
  expect(quality).toMatchObject({ prediction: { fitting_seeds: size / 2 } });

  // if it may use as many users, an estimate predicts the same
  const absent = mixed.flatMap(([userId, values]) => (values ? [{ userId, weight: 1, features: values }] : []));
  const inside = Int32Array.from(
    mixed.filter(([, values]) => values === undefined),
    ([userId]) => population.rowOf[population.directory.find(userId)]!,
  ).sort();
  const outcome = await supervisor.estimate(
    {
      ...{ epoch: 1, features: campaign.features, filters: {}, seeds: inside },
      ...{ seedWeights: null, absentSeeds: absent, negatives: new Int32Array(0), negativeWeight: 1 },
      ...{ suppressed: new Int32Array(0), suppressionSet: null },
      ...{ minimumSeeds: 10, mostSeeds: size, mostCandidates: population.rowCount },
    },
    60_000,
  );
  expect(outcome).toMatchObject({ kind: 'estimate', estimate: { expected: { prediction: quality!['prediction'] } } });
});
