/** Campaigns of a service as train and test campaigns: who is a member, who is hidden, which are too small. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createRng, sample } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { Population } from '../../src/population/read.ts';
import type { Setting, TunableMethod } from '../../src/training/baselines/baselines.ts';
import { populationRidge } from '../../src/training/baselines/population-ridge.ts';
import { logisticRegressionMethod } from '../../src/training/baselines/tune-logistic-regression.ts';
import { othersThan, testTrials } from '../../src/training/choices/trial.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { futureTrial, openFutures } from '../../src/training/history/futures.ts';
import { holdOut } from '../../src/training/history/held-out.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { createReach } from '../../src/training/history/reach.ts';
import { featuresOfValues, prepareServed, type ServedCampaign } from '../../src/training/history/served-campaigns.ts';
import { latentStart } from '../../src/training/meta/latent-start.ts';
import { LATENT_SIZE } from '../../src/training/settings.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG } from '../fixture/size.ts';
import { populationOf } from '../online/world.ts';
import { simulateTrial } from './simulate-trial.ts';

const USERS = 400;
const NOBODY = new Int32Array(0);
const users = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

let population: Population;
beforeAll(async () => {
  const people = Array.from({ length: USERS }, (_, i) => ({ user_id: `u${i}`, city: `city ${i % 5}` }));
  population = await populationOf(temporaryFolder(), people, [{ name: 'city', kind: 'single' }]);
});

function campaign(i: number, changes: Partial<ServedCampaign> = {}): ServedCampaign {
  const rest = { conversions: NOBODY, clicks: NOBODY, dismissals: NOBODY };
  return { id: `c${i}`, createdAt: 1000 * i, features: {}, seeds: users(0, 30), ...rest, ...changes };
}

const prepare = (campaigns: readonly ServedCampaign[], test = false, least = 1) =>
  prepareServed(population.path, () => Promise.resolve(campaigns), { source: 'data', seed: 1, least, test });

const withLabel = ({ users: all, labels }: { users: Int32Array; labels: Uint8Array }, label: number) =>
  [...all].filter((_, row) => labels[row] === label).sort((a, b) => a - b);

describe('prepareServed', () => {
  it('makes members of seeds and converted users; dismissed ones have label 0, and users who clicked are left out', async () => {
    const { prepared } = await prepare([
      campaign(1, { conversions: users(40, 45), clicks: users(50, 60), dismissals: Int32Array.of(3, 70) }),
    ]);
    const [made] = prepared.history.campaigns;
    const members = [...users(0, 3), ...users(4, 30), ...users(40, 45)];
    expect(withLabel(made!.train, 1)).toEqual(members);
    const others = withLabel(made!.train, 0);
    expect(others).toEqual(expect.arrayContaining([3, 70]));
    expect(others.filter((user) => (user >= 50 && user < 60) || members.includes(user))).toEqual([]);
    expect(others.length).toBe(2 + Math.min(10 * members.length, USERS - members.length - 10 - 2));
    expect(made).toMatchObject({ id: 'c1', split: 'train', features: {} });
    expect(prepared.until).toEqual(new Date(1000));
  });

  it('samples the dismissed users if they would outnumber the others', async () => {
    const { prepared } = await prepare([campaign(1, { seeds: users(0, 20), dismissals: users(20, 390) })]);
    const others = withLabel(prepared.history.campaigns[0]!.train, 0);
    expect(others.filter((user) => user < 390)).toHaveLength(200);
    expect(others.filter((user) => user >= 390)).toEqual([...users(390, 400)]);
  });

  it('makes test campaigns of the newest fifth, with half of the seeds hidden and nobody who reacted', async () => {
    const all = Array.from({ length: 30 }, (_, i) =>
      campaign(i, { conversions: users(40, 45), clicks: users(50, 60), dismissals: users(60, 70) }),
    );
    const { prepared, testedAt } = await prepare(all, true);
    const { campaigns } = prepared.history;
    expect(campaigns.filter(({ split }) => split === 'test').map(({ id }) => id)).toEqual(
      all.slice(24).map(({ id }) => id),
    );
    expect(testedAt).toEqual(all.slice(24).map(({ createdAt }) => createdAt));
    expect(prepared.until).toEqual(new Date(23_000));
    const last = campaigns.at(-1)!;
    const hidden = withLabel(last.evaluation, 1);
    expect([...last.seeds, ...hidden].sort((a, b) => a - b)).toEqual([...users(0, 30)]);
    expect(last.seeds).toHaveLength(15);
    const reacted = new Set([...users(40, 45), ...users(50, 70)]);
    const others = withLabel(last.evaluation, 0);
    expect(others).toHaveLength(USERS - 30 - reacted.size);
    expect(others.filter((user) => reacted.has(user))).toEqual([]);
  });

  it('has training hold out the newest', async () => {
    const { prepared } = await prepare(Array.from({ length: 10 }, (_, i) => campaign(i)));
    const { held, training } = holdOut(prepared.history.campaigns, 0.2, 'key', prepared.until !== undefined);
    expect(held.map(({ id }) => id)).toEqual(['c8', 'c9']);
    expect(training).toHaveLength(8);
  });

  it('leaves out campaigns with few seeds, and reports how many there are and how many are needed', async () => {
    const few = campaign(1, { seeds: users(0, 25), dismissals: users(0, 6) });
    expect((await prepare([few, campaign(2)])).tooSmall).toEqual(['c1']);
    await expect(prepare([few, campaign(2)], true, 10)).rejects.toThrow(
      expect.objectContaining({
        code: 'invalid_data',
        message: expect.stringMatching(/data has 1 campaigns .* \(of 2 .*\), but 10 are needed\. .*--self-supervised/),
        facts: { campaigns: 1, needed: 10 },
      }),
    );
  });
});

/** Everyone of city 0 may be in an audience: every fifth user. */
const isInside = (user: number) => user % 5 === 0;
const INSIDE = createReach(USERS, isInside);

describe('prepareServed of campaigns with filters', () => {
  it("uses nobody outside the campaign's reach: no seed, no reaction, no other", async () => {
    const reactions = { conversions: users(100, 110), clicks: users(110, 120), dismissals: users(120, 130) };
    const { prepared, tooSmall } = await prepare([
      campaign(1, { seeds: users(0, 100), ...reactions, reach: INSIDE }),
      // 19 of the seeds fit
      campaign(2, { seeds: users(0, 95), reach: INSIDE }),
      // 80 users fit, all but 19 are seeds
      campaign(3, { seeds: users(0, 305), reach: INSIDE }),
    ]);
    expect(tooSmall).toEqual(['c2', 'c3']);
    const { train, reach } = prepared.history.campaigns[0]!;
    expect(withLabel(train, 1)).toEqual([...users(0, 110)].filter(isInside));
    expect(withLabel(train, 0)).toEqual([...users(120, USERS)].filter(isInside));
    expect(reach).toBe(INSIDE);
  });

  it('hides and evaluates only users within reach, in test campaigns too', async () => {
    const all = Array.from({ length: 10 }, (_, i) => campaign(i, { seeds: users(0, 150), reach: INSIDE }));
    const { prepared } = await prepare(all, true);
    const [first] = testTrials(prepared.history.campaigns);
    expect([...first!.seeds, ...first!.evaluation.users].sort((a, b) => a - b)).toEqual(
      [...users(0, USERS)].filter(isInside),
    );
    expect(first!.reach).toBe(INSIDE);
    const train = prepared.history.campaigns[0]!;
    for (const trial of [
      futureTrial(train, 10, { isKnown: new Uint8Array(USERS), share: null }, population, createRng('trial'))!,
      simulateTrial(train, 10, createRng('trial'))!,
    ]) {
      expect([...trial.seeds, ...trial.evaluation.users].every(isInside)).toBe(true);
      expect(trial.reach).toBe(INSIDE);
      const seeds = trial.seeds.map((user) => population.rowOf[user]!);
      expect(othersThan(population, seeds, trial.reach)).toHaveLength(80 - 10);
    }
  });

  it.runIf(IS_LONG)(
    'learns nothing from random users who fit a filter, though their city tells them from everyone',
    async () => {
      const rng = createRng('random');
      const many = 2000;
      const likes = () => Array.from({ length: 4 }, () => `like ${rng.integer(30)}`);
      const people = Array.from({ length: many }, (_, i) => ({
        user_id: `u${i}`,
        city: `city ${i % 5}`,
        likes: likes(),
      }));
      const features = [
        { name: 'city', kind: 'single' },
        { name: 'likes', kind: 'multi' },
      ] as const;
      const { path } = await populationOf(temporaryFolder(), people, features);
      const fitting = (city: number) => users(0, many).filter((user) => user % 5 === city);
      const random = Array.from({ length: 24 }, (_, i) =>
        campaign(i, {
          seeds: sample(rng, fitting(i % 5), 40).sort(),
          reach: createReach(many, (user) => user % 5 === i % 5),
        }),
      );
      const blind = random.map(({ reach: _, ...rest }) => rest);
      const aucsOf = async (campaigns: readonly ServedCampaign[]) => {
        const options = { source: 'data', seed: 1, least: 1, test: false };
        const { prepared } = await prepareServed(path, () => Promise.resolve(campaigns), options);
        const futures = openFutures(prepared, prepared.userFeatures);
        const vectors = latentStart(futures.oneHot, LATENT_SIZE, createRng('vectors'));
        const logistic = (oneHot: OneHot) => logisticRegressionMethod(oneHot, vectors, [HEADS.wide, HEADS.query]);
        return [populationRidge, logistic].flatMap((method) =>
          chooseSetting<Setting>(method as (oneHot: OneHot) => TunableMethod, futures, createRng('choice')).tried.map(
            ({ auc }) => auc,
          ),
        );
      };
      for (const auc of await aucsOf(random)) expect(Math.abs(auc - 0.5)).toBeLessThan(0.03);
      for (const auc of await aucsOf(blind)) expect(auc).toBeGreaterThan(0.7);
    },
  );
});

describe('featuresOfValues', () => {
  it('tells kinds from values, and leaves out features with several kinds', () => {
    expect(
      featuresOfValues([
        { brand: 'a', genres: ['x', 'y'], price: 3, taste: [1, 2], mixed: 1, bad: [1] },
        { brand: 'b', genres: 'x', price: 4.5, taste: [0, 1], mixed: 'one', bad: [1, 2] },
        {},
      ]),
    ).toEqual([
      { name: 'brand', kind: 'single' },
      { name: 'genres', kind: 'multi', maxLength: 2 },
      { name: 'price', kind: 'number' },
      { name: 'taste', kind: 'vector', size: 2 },
    ]);
  });
});
