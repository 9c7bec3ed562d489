/** Generated scenarios: each has its intended property, gives equal bytes for equal seeds, and can be read. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from '../../../packages/lab/scenarios/catalogue.ts';
import { type Scenario, writeScenario } from '../../../packages/lab/scenarios/scenario.ts';
import { PAST_CAMPAIGNS } from '../../../src/population/read.ts';
import { prepareTrainingData } from '../../../src/training/choices/past-campaigns-choice.ts';
import { prepareDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { newFolder, temporaryFolder } from '../../fixture/folders.ts';
import { countShared, holdersOf, mean, median, type PlantedData, phi, readPlanted } from './planted-data.ts';

const FILES = ['campaigns.ndjson', 'dataset.json', 'interactions.csv', 'users.ndjson'];

let root = '';
const folderOf = (name: string): string => join(root, name);
beforeAll(async () => {
  root = temporaryFolder();
  for (const name of SCENARIO_NAMES) await writeScenario(SCENARIOS[name], { out: folderOf(name), seed: '1' });
}, 120_000);

const hashes = (folder: string): string[] =>
  FILES.map((file) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex'),
  );
const read = (name: ScenarioName): PlantedData => readPlanted(folderOf(name));
const testCampaigns = (data: PlantedData) => data.campaigns.filter(({ split }) => split === 'test');
/** For each user, tokens of all features. */
const tokenCounts = ({ users }: PlantedData): number[] => users.map((traits) => Object.values(traits).flat().length);
/** For each member, the number of campaigns. */
const memberships = ({ users, campaigns }: PlantedData): number[] =>
  users.map((_, user) => campaigns.filter(({ members }) => members.has(user)).length).filter((count) => count > 0);
const usesPastCampaigns = async (name: ScenarioName): Promise<boolean> => {
  const prepared = await prepareTrainingData(folderOf(name), { pastCampaigns: 'auto', seed: 1 });
  prepared.close();
  return prepared.userFeatures.some((feature) => feature.name === PAST_CAMPAIGNS);
};

describe.each(SCENARIO_NAMES)('the scenario %s', { timeout: 60_000 }, (name) => {
  const scenario: Scenario = SCENARIOS[name];

  it('produces equal bytes for equal seeds, and others for another seed', async () => {
    expect(scenario.name).toBe(name);
    const small = { ...scenario, users: 1000, trainCampaigns: 6, testCampaigns: 4 };
    const writtenWith = async (seed: string) => {
      const out = newFolder(root);
      await writeScenario(small, { out, seed });
      expect(readdirSync(out).sort()).toEqual(FILES);
      return hashes(out);
    };
    const first = await writtenWith('1');
    expect(await writtenWith('1')).toEqual(first);
    expect((await writtenWith('2'))[2]).not.toBe(first[2]);
  });

  it('can be read completely, with the stated numbers of users, campaigns and seeds', async () => {
    const { dataSet, population, history, close } = await prepareDataSet(folderOf(name));
    close();
    expect(dataSet.name).toBe(name);
    expect(population.rowCount).toBe(scenario.users);
    expect(history.skipped).toEqual([]);
    const tests = history.campaigns.filter(({ split }) => split === 'test');
    expect(tests).toHaveLength(scenario.testCampaigns);
    expect(history.campaigns).toHaveLength(scenario.trainCampaigns + scenario.testCampaigns);
    for (const [c, { group, seeds, evaluation }] of tests.entries()) {
      expect(group).toBe(c % 2 === 0 ? 'small' : 'large');
      expect(seeds.length + evaluation.users.length).toBe(scenario.users);
      const hidden = evaluation.labels.reduce((sum, label) => sum + label, 0);
      expect(seeds.length).toBe(Math.min(scenario.seeds[group!], (seeds.length + hidden) >> 1));
    }
    // most campaigns are large enough for the seeds that the scenario names
    for (const group of ['small', 'large'] as const)
      expect(median(tests.filter((one) => one.group === group).map(({ seeds }) => seeds.length))).toBe(
        scenario.seeds[group],
      );
  });

  it('is described in docs/quality.md as in the code', () => {
    const page = readFileSync(new URL('../../../docs/quality.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');
    const { about, users, trainCampaigns, testCampaigns, seeds } = scenario;
    const campaigns = `${trainCampaigns} / ${testCampaigns}`;
    const counts = [users.toLocaleString('en'), campaigns, `${seeds.small} / ${seeds.large}`].join(' | ');
    expect(page).toContain(`| \`${name}\` | ${about} | ${counts} |`);
  });
});

describe('the property of', { timeout: 60_000 }, () => {
  it('few-tokens: at most four tokens per user', async () => {
    const counts = tokenCounts(read('few-tokens'));
    expect(Math.max(...counts)).toBe(4);
    expect(mean(counts)).toBeGreaterThan(3.5);
  });

  it('long-lists: some 60 tokens per user, each of which at least one user in fifty has', () => {
    const data = read('long-lists');
    expect(mean(tokenCounts(data))).toBeGreaterThan(55);
    const holders = [...holdersOf(data, 'items').values()].map(({ size }) => size);
    expect(holders).toHaveLength(400);
    expect(Math.min(...holders) / data.users.length).toBeGreaterThan(0.02);
  });

  it('sparse-vocabulary: over 10,000 tokens, half of which at most three users have', () => {
    const holders = [...holdersOf(read('sparse-vocabulary'), 'items').values()].map(({ size }) => size);
    expect(holders.length).toBeGreaterThan(10_000);
    expect(median(holders)).toBeLessThanOrEqual(3);
  });

  it('rare-tokens: few users have a keyword, some ten times as many members do, and common tokens do not differ', () => {
    const data = read('rare-tokens');
    const liftsOf = (feature: string, fewest: number): number[] =>
      testCampaigns(data).map(({ members }) =>
        Math.max(
          ...[...holdersOf(data, feature).values()].map((holders) =>
            holders.size < fewest
              ? 0
              : (countShared(holders, members) / members.size / holders.size) * data.users.length,
          ),
        ),
      );
    const keywords = [...holdersOf(data, 'keywords').values()].map(({ size }) => size / data.users.length);
    expect(Math.max(...keywords)).toBeLessThan(0.02);
    expect(mean(liftsOf('keywords', 15))).toBeGreaterThan(8);
    // the largest of 200 that carry no information
    expect(mean(liftsOf('common', 300))).toBeLessThan(1.7);
  });

  it('bundles: tokens of one bundle go together, those of two do not', () => {
    const data = read('bundles');
    const items = holdersOf(data, 'items');
    const correlations = (a: (bundle: number) => string, b: (bundle: number) => string): number[] =>
      Array.from({ length: 39 }, (_, bundle) => {
        const [one, other] = [items.get(a(bundle)), items.get(b(bundle))];
        return one && other ? phi(one, other, data.users.length) : null;
      }).filter((x) => x !== null);
    const within = correlations(
      (bundle) => `item-${bundle}-0`,
      (bundle) => `item-${bundle}-1`,
    );
    const across = correlations(
      (bundle) => `item-${bundle}-0`,
      (bundle) => `item-${bundle + 1}-0`,
    );
    expect(within.length).toBeGreaterThan(30);
    expect(Math.min(...within)).toBeGreaterThan(0.8);
    expect(Math.max(...across)).toBeLessThan(0.3);
  });

  it('bands: neighbouring bands have similar shares of members, distant ones do not', () => {
    const data = read('bands');
    const [near, far]: [number[], number[]] = [[], []];
    for (const feature of ['income', 'visits', 'spend']) {
      const ordered = [...holdersOf(data, feature)]
        .filter(([, { size }]) => size > 60)
        .sort(([a], [b]) => (a < b ? -1 : 1));
      for (const { members } of testCampaigns(data)) {
        const rates = ordered.map(([, holders]) => countShared(holders, members) / holders.size);
        const half = rates.length >> 1;
        for (let i = 0; i + half < rates.length; i++) {
          near.push(Math.abs(rates[i]! - rates[i + 1]!));
          far.push(Math.abs(rates[i]! - rates[i + half]!));
        }
      }
    }
    expect(mean(near)).toBeLessThan(0.6 * mean(far));
  });

  it('one-campaign: nobody is a member of two campaigns', () => {
    const counts = memberships(read('one-campaign'));
    expect(Math.max(...counts)).toBe(1);
    expect(counts.length).toBeGreaterThan(3000);
  });

  it('one-campaign: past campaigns are not a feature', async () => {
    expect(await usesPastCampaigns('one-campaign')).toBe(false);
  });

  it('regulars: ten campaigns per member, for some four times as many, and fewer than four tokens', async () => {
    const data = read('regulars');
    const counts = memberships(data);
    expect(mean(counts)).toBeGreaterThan(10);
    expect(Math.max(...counts)).toBeGreaterThan(40);
    expect(mean(tokenCounts(data))).toBeLessThan(4);
    expect(await usesPastCampaigns('regulars')).toBe(true);
  });

  it('drift: test campaigns are larger, have newer items, and a quarter of their members were in no earlier one', () => {
    const data = read('drift');
    // the last number of a token is the tenth of the time span in which it was new
    const newness = data.users.map(({ interests }) => mean(interests!.map((item) => Number(item.split('-').at(-1)))));
    const newnessOf = (members: ReadonlySet<number>) => mean([...members].map((user) => newness[user]!));
    const train = data.campaigns.filter(({ split }) => split === 'train');
    const tests = testCampaigns(data);
    expect(mean(tests.map(({ members }) => newnessOf(members)))).toBeGreaterThan(
      mean(train.map(({ members }) => newnessOf(members))) + 1,
    );
    expect(mean(tests.map(({ members }) => members.size))).toBeGreaterThan(
      1.3 * mean(train.map(({ members }) => members.size)),
    );
    const seen = new Set(train.flatMap(({ members }) => [...members]));
    expect(mean(tests.map(({ members }) => 1 - countShared(members, seen) / members.size))).toBeGreaterThan(0.25);
  });

  it('broad: at least a quarter of the users, and 1,000 seeds', () => {
    const data = read('broad');
    for (const { members } of testCampaigns(data)) expect(members.size / data.users.length).toBeGreaterThan(0.249);
    expect(Math.max(...data.campaigns.map(({ seeds }) => seeds))).toBe(1000);
  });
});
