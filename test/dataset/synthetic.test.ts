/** Synthetic data sets: the format, the planted truth, and that the task is neither trivial nor hopeless. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataSet } from '../../src/dataset/data-set.ts';
import { generateDataSet, type SyntheticDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { createRng } from '../../src/lib/rng.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { scorerOf } from '../../src/training/baselines/baselines.ts';
import { logisticRegression } from '../../src/training/baselines/logistic-baselines.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { readHistory } from '../../src/training/history/history.ts';
import { buildOneHot } from '../../src/training/history/one-hot.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';

const FILES = ['dataset.json', 'users.ndjson', 'campaigns.ndjson', 'interactions.csv'];
const SIZES = { users: 5000, trainCampaigns: 6, testCampaigns: 4 };

let root = '';
let made: SyntheticDataSet;
beforeAll(async () => {
  root = temporaryFolder();
  made = await generateDataSet({ out: join(root, 'a'), ...SIZES, seed: 'one' });
});

const read = (folder: string, file: string): string => readFileSync(join(root, folder, file), 'utf8');
interface Person {
  user_id: string;
  brands: string[];
}
const people = (folder: string): Person[] => jsonLines(read(folder, 'users.ndjson')) as Person[];

describe('generateDataSet', () => {
  it('produces the same bytes for the same options', async () => {
    await generateDataSet({ out: join(root, 'b'), ...SIZES, seed: 'one' });
    for (const file of FILES) expect(read('b', file)).toBe(read('a', file));
  });

  it('returns other people and campaigns with the same tokens for another seed', async () => {
    await generateDataSet({ out: join(root, 'c'), ...SIZES, seed: 'two' });
    expect(read('c', 'users.ndjson')).not.toBe(read('a', 'users.ndjson'));
    const brands = (folder: string): Set<unknown> => new Set(people(folder).flatMap(({ brands }) => brands));
    expect(brands('c')).toEqual(brands('a'));
  });

  it('says that it is synthetic', () => {
    expect(JSON.parse(read('a', 'dataset.json'))).toMatchObject({
      name: 'synthetic-people',
      made: expect.stringContaining('Synthetic'),
    });
  });

  it('holds seeds and the whole planted truth of each test campaign', async () => {
    const users = people('a').map(({ user_id }) => user_id);
    const numbers = new Map(users.map((id, i) => [id, i]));
    const { campaigns, skipped } = await readHistory(openDataSet(join(root, 'a')), {
      find: (id) => numbers.get(id) ?? -1,
    });
    expect(skipped).toEqual([]);
    const tests = campaigns.filter(({ split }) => split === 'test');
    expect(tests.map(({ seeds }) => seeds.length)).toEqual([50, 100, 50, 100]);
    for (const [i, { id, group, seeds, evaluation }] of tests.entries()) {
      expect(evaluation.users.length).toBe(SIZES.users - seeds.length);
      const members = evaluation.labels.reduce((sum, label) => sum + label, 0);
      expect(members + seeds.length).toBe(200);
      expect(made.testCampaigns[i]).toEqual({ id, group, seeds: seeds.length, members });
    }
    for (const { train } of campaigns.filter(({ split }) => split === 'train')) {
      expect(train.labels.reduce((sum, label) => sum + label, 0)).toBe(200);
      expect(new Set(train.users).size).toBe(2200);
    }
  });

  it('plants tastes that traits reveal in part: logistic regression reaches .7 to .9', async () => {
    const dataSet = openDataSet(join(root, 'a'));
    const out = join(root, 'population');
    await importPopulation({ source: join(root, 'a'), features: dataSet.userFeatures, out });
    const population = openPopulation(out);
    const { campaigns } = await readHistory(dataSet, population.directory);
    const method = logisticRegression(buildOneHot(population, dataSet.userFeatures));
    const aucs = campaigns
      .filter(({ split }) => split === 'test')
      .map(
        ({ id, seeds, evaluation: { users, labels } }) =>
          measureRanking(users, scorerOf(method, { strength: 0.02 }, seeds, createRng(id))(users), labels).auc,
      );
    const mean = aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length;
    expect(mean).toBeGreaterThan(0.7);
    expect(mean).toBeLessThan(0.9);
  });

  it('refuses fewer than 200 users', async () => {
    const making = generateDataSet({ out: join(root, 'd'), ...SIZES, users: 199, seed: 'one' });
    await expect(making).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('at least 200'),
    });
  });

  it('refuses a folder that cannot be created, with the cause', async () => {
    writeFileSync(join(root, 'file'), '');
    const making = generateDataSet({ out: join(root, 'file'), ...SIZES, seed: 'one' });
    await expect(making).rejects.toMatchObject({ code: 'storage_failed', cause: { code: 'EEXIST' } });
  });
});
