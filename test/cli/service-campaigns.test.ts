/** What a service's data folder says of whom each campaign could reach. */
import { describe, expect, it } from 'vitest';
import { readServiceCampaigns } from '../../src/cli/commands/training/service-campaigns.ts';
import type { Filters } from '../../src/domain/features.ts';
import type { NewCampaign } from '../../src/domain/types.ts';
import { reaches } from '../../src/training/history/reach.ts';
import { everyoneIsKnown, expand, newCampaign } from '../domain/contract/inputs.ts';
import { change } from '../domain/contract/user-sets.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { populationOf } from '../online/world.ts';
import { dataFolder } from '../storage/sqlite/data-folder.ts';

const USERS = 40;
const numbers = Array.from({ length: USERS }, (_, i) => i);

async function openWorld() {
  const people = numbers.map((i) => ({ user_id: `u${i}`, city: `city ${i % 4}`, age: i }));
  const features = [
    { name: 'city', kind: 'single' },
    { name: 'age', kind: 'number' },
  ] as const;
  const population = await populationOf(temporaryFolder(), people, features);
  const data = dataFolder();
  const store = await data.open();
  const add = async (name: string, filters: Filters, more: Partial<NewCampaign> = {}) => {
    const made = await store.create(
      newCampaign({ name, externalId: name, seeds: ['u0', 'u1', 'u2'], filters, ...more }),
      everyoneIsKnown,
    );
    await expand(store, (await store.claim('1:a'))!, { folder: `x/${name}` });
    return made;
  };
  const reached = async () => {
    const { campaigns } = await readServiceCampaigns(data.folder, population);
    return new Map(
      campaigns.map(({ id, reach }) => [
        id,
        reach && numbers.filter((i) => reaches(reach, population.directory.find(`u${i}`))),
      ]),
    );
  };
  return { population, store, add, reached, folder: data.folder };
}

describe('readServiceCampaigns', () => {
  it('has the reach of each campaign: who fits its filters; everyone without', async () => {
    const { add, reached, folder, population } = await openWorld();
    await add('all', {});
    await add('city', { city: ['city 1', 'city 3', 'none'] });
    await add('both', { city: ['city 1'], age: { min: 10, max: 20 } });
    await add('same', { age: { max: 20, min: 10 }, city: ['city 1'] });
    await add('nobody', { planet: ['mars'] });
    expect(await reached()).toEqual(
      new Map([
        ['all', undefined],
        ['city', numbers.filter((i) => i % 2 === 1)],
        ['both', [13, 17]],
        ['same', [13, 17]],
        ['nobody', []],
      ]),
    );
    const { campaigns } = await readServiceCampaigns(folder, population);
    // equal filters are read once, and kept once
    expect(campaigns[2]!.reach).toBe(campaigns[3]!.reach);
  });

  it('reads negatives as dismissals, and no negative as a conversion', async () => {
    const { add, store, population, folder } = await openWorld();
    const { id } = await add('a', {});
    const event = (i: number, kind: 'conversion' | 'dismissal') => ({ userId: `u${i}`, event: kind, happenedAt: 1 });
    await store.addFeedback(id, [event(5, 'conversion'), event(6, 'conversion'), event(7, 'dismissal')]);
    await change(store.userSets, { kind: 'negatives', campaignId: id }, 'replace', ['u2', 'u6', 'u8', 'who']);
    const numbersOf = (...them: number[]) => Int32Array.from(them, (i) => population.directory.find(`u${i}`)).sort();
    expect((await readServiceCampaigns(folder, population)).campaigns[0]).toMatchObject({
      seeds: numbersOf(0, 1, 2),
      conversions: numbersOf(5),
      dismissals: numbersOf(2, 6, 7, 8),
    });
  });

  it("leaves out who is suppressed: by the campaign's own list, by the installation's", async () => {
    const { add, store, reached } = await openWorld();
    await add('a', {});
    const { id } = await add('b', { city: ['city 1'] });
    await change(store.userSets, { kind: 'suppression', campaignId: id }, 'replace', ['u5', 'u6', 'who']);
    const own = [1, 9, 13, 17, 21, 25, 29, 33, 37];
    expect(await reached()).toEqual(
      new Map([
        ['a', undefined],
        ['b', own],
      ]),
    );
    await change(store.userSets, { kind: 'common_suppression' }, 'replace', ['u9', 'u10']);
    expect(await reached()).toEqual(
      new Map([
        ['a', numbers.filter((i) => i !== 9 && i !== 10)],
        ['b', own.filter((i) => i !== 9)],
      ]),
    );
  });
});
