/** Numbers and vectors from a data set's files to an audience: filters, campaign features, explanation. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { numbers } from '../../packages/lab/scenarios/numbers.ts';
import { writeScenario } from '../../packages/lab/scenarios/scenario.ts';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { startReadyService } from '../fixture/start-service.ts';

const seeds = Array.from({ length: 60 }, (_, i) => `user-${String(i + 1).padStart(5, '0')}`);

it('a campaign on numbers and vectors ranks users within its bounds, and explains them', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const [data, model, users, dataDir] = ['data', 'model', 'population', 'data-dir'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  await writeScenario({ ...numbers, users: 1200, trainCampaigns: 6, testCampaigns: 2 }, { out: data, seed: '3' });
  const prepared = await prepareDataSet(data, { pastCampaigns: false });
  const tiny = { taskCount: 2, experts: 2, critics: 2, embedding: 4, steps: 2, validationShare: 0 };
  await train(prepared, {
    out: model,
    settings: { ...DEFAULT_TRAIN_SETTINGS, ...tiny },
    device: CPU,
    clock: systemClock,
    resume: false,
    signal: new AbortController().signal,
  });
  prepared.close();
  const wanted = readModelFolder(model).manifest.features.user.map(featureOf);
  await importPopulation({ source: data, features: wanted, out: users });
  const population = openPopulation(users);
  const numbersOf = (feature: string) => {
    const column = population.readSegment(0).columns.get(feature)!;
    return 'values' in column ? column.values : new Float32Array(0);
  };
  const service = await startReadyService({ dataDir, model, population: users });
  onTestFinished(() => service.close());

  const filters = { age: { min: 30, max: 40 }, last_seen: { min: 20_000 } };
  const body = { name: 'numbers', seeds, audience: { percent: 100 }, features: { price: 9.5 }, filters };
  const { id } = (await service.call('POST', '/v1/campaigns', body)).json;
  expect(await service.ended(id)).toMatchObject({
    state: 'ready',
    filters,
    features: { price: 9.5 },
    feature_counts: { unknown: 0, missing: 0 },
  });

  const { userNumbers } = population.readSegment(0);
  const [age, seen] = [numbersOf('age'), numbersOf('last_seen')];
  const expected = [...userNumbers]
    .filter((_, row) => age[row]! >= 30 && age[row]! <= 40 && seen[row]! >= 20_000)
    .map((number) => population.directory.id(number))
    .filter((user) => !seeds.includes(user));
  expect(expected.length).toBeGreaterThan(50);
  const page = (await service.call('GET', `/v1/campaigns/${id}/audience?limit=1000`)).json;
  expect(page.items.map(({ user_id }: { user_id: string }) => user_id).sort()).toEqual(expected.sort());

  const { features } = (await service.call('GET', `/v1/campaigns/${id}/explanation`)).json;
  const of = (name: string) => features.find(({ feature }: { feature: string }) => feature === name);
  expect(of('region').numbers).toBeNull();
  expect(of('embedding').tokens).toEqual([]);
  expect(of('embedding').numbers.shift).toBeGreaterThanOrEqual(0);
  expect(of('age').numbers.audience_mean).toBeGreaterThanOrEqual(30);
  expect(of('age').numbers.audience_mean).toBeLessThanOrEqual(40);
  expect(of('age').tokens[0].token).toMatch(/^(< |>= )?[\d.]+( to [\d.]+)?$/);
});
