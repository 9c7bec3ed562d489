/** An audience depends on the model, the population, the campaign's features and the set of seeds: on nothing else. */
import { describe, expect, it } from 'vitest';
import { openRanking } from '../../src/audience/ranking.ts';
import { createRng, shuffle } from '../../src/lib/rng.ts';
import { openPopulation } from '../../src/population/population.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { digestOf, startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

describe('a ranking', () => {
  it('has the same bytes with 1 and 2 threads, with shuffled, doubled and unknown seeds, again, under another name and size', async () => {
    const one = await startRig({ ...world, population: world.wide, threads: 1 });
    const order = Uint32Array.from(campaign.seeds.keys());
    shuffle(createRng('shuffled seeds'), order);
    const shuffled = [...order].map((i) => campaign.seeds[i]!);
    const single = [
      one.create(campaign),
      one.create(campaign, {
        seeds: ['nobody', ...shuffled, ...shuffled.slice(0, 7)],
        name: 'another',
        audience: { percent: 50 },
      }),
    ];
    const ended = [];
    for (const id of single) ended.push(await one.ended(id));
    const expected = digestOf(one.folderOf(single[0]!));
    expect(digestOf(one.folderOf(single[1]!))).toBe(expected);
    await one.supervisor.stop();

    const two = await startRig({ ...world, population: world.wide, threads: 2 });
    // Several at a time: segments of one are scored between steps of another's adaptation.
    const many = [campaign, world.campaigns[1]!, campaign].map((each) => two.create(each));
    for (const id of many) ended.push(await two.ended(id));
    expect(ended.map(({ state, progress }) => [state, progress])).toEqual(Array(5).fill(['ready', 1]));
    expect(digestOf(two.folderOf(many[0]!))).toBe(expected);
    expect(digestOf(two.folderOf(many[2]!))).toBe(expected);
    expect(digestOf(two.folderOf(many[1]!))).not.toBe(expected);
  });

  it('is of other bytes with a seed less, and holds every user but the seeds', async () => {
    const rig = await startRig(world);
    const all = rig.create(campaign);
    const fewer = rig.create(campaign, { seeds: campaign.seeds.slice(1) });
    const { state, candidates } = await rig.ended(all);
    const population = openPopulation(world.population);
    expect([state, candidates]).toEqual(['ready', population.rowCount - campaign.seeds.length]);
    const ranking = openRanking(rig.folderOf(all));
    const scores = campaign.seeds.map((id) => ranking.scoreOf(population.directory.find(id)));
    ranking.close();
    expect(scores).toEqual(campaign.seeds.map(() => Number.NaN));
    await rig.ended(fewer);
    expect(digestOf(rig.folderOf(fewer))).not.toBe(digestOf(rig.folderOf(all)));
  });
});
