/** An audience depends on the model, the population, the campaign's features and the set of seeds: on nothing else. */
import { describe, expect, it, vi } from 'vitest';
import { openRanking } from '../../src/audience/ranking.ts';
import type { Timings } from '../../src/domain/run-facts.ts';
import { createRng, shuffle } from '../../src/lib/rng.ts';
import { openPopulation } from '../../src/population/read.ts';
import { digestOf, digestsOf } from '../fixture/digest.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

describe('a ranking', () => {
  it('has the same bytes whatever the threads, order and repetition of seeds, unknown seeds, names and size', async () => {
    const one = await startRig({ ...world, population: world.wide, threads: 1 });
    const order = Uint32Array.from(campaign.seeds.keys());
    shuffle(createRng('shuffled seeds'), order);
    const shuffled = [...order].map((i) => campaign.seeds[i]!);
    const plain = await one.create(campaign);
    const ended = [await one.ended(plain)];
    const expected = digestsOf(await one.folderOf(plain));
    await one.supervisor.stop();

    const two = await startRig({ ...world, population: world.wide, threads: 2 });
    const timings: Timings[] = [];
    two.supervisor.onExpanded((each) => timings.push(each));
    // Two at a time: segments of one are scored between steps of the other's adaptation.
    const seeds = ['nobody', ...shuffled, ...shuffled.slice(0, 7)];
    const again = await two.create(campaign, {
      seeds,
      name: 'another',
      externalId: 'none of the history',
      audience: { percent: 50 },
    });
    const other = await two.create(world.campaigns[1]!);
    for (const id of [again, other]) ended.push(await two.ended(id));
    const computedWith = async (rig: typeof one, id: string) =>
      (await rig.store.expansionsOf(id, { limit: 1 })).items[0]!.computedWith;
    expect(await computedWith(two, other)).toMatchObject({ device: 'cpu', threads: 2, batchSize: 1024 });
    expect(ended.map(({ state, progress }) => [state, progress])).toEqual(Array(3).fill(['ready', 1]));
    expect(digestsOf(await two.folderOf(again))).toEqual(expected);
    expect(digestsOf(await two.folderOf(other))).not.toEqual(expected);
    const once = await two.create(campaign);
    await two.ended(once);
    expect(digestsOf(await two.folderOf(once))).toEqual(expected);
    await vi.waitFor(() => expect(timings).toHaveLength(3));
    expect(timings.map((each) => Object.keys(each))).toEqual(
      Array(3).fill(['queued', 'finding', 'adapting', 'scoring', 'ranking']),
    );
  });

  it('is of other bytes with a seed less, and holds every user but the seeds', async () => {
    const rig = await startRig({ ...world, threads: 1 });
    const all = await rig.create(campaign);
    const fewer = await rig.create(campaign, { seeds: campaign.seeds.slice(1) });
    const { state, candidates } = await rig.ended(all);
    const population = openPopulation(world.population);
    expect([state, candidates]).toEqual(['ready', population.rowCount - campaign.seeds.length]);
    const ranking = await openRanking(rig.store.blobs, (await rig.store.activeAudience(all)).folder);
    const scores = campaign.seeds.map((id) => ranking.scoreOf(population.directory.find(id)));
    ranking.close();
    expect(scores).toEqual(campaign.seeds.map(() => Number.NaN));
    await rig.ended(fewer);
    expect(digestOf(await rig.folderOf(fewer))).not.toBe(digestOf(await rig.folderOf(all)));
  });
});
