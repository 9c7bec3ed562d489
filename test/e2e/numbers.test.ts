/** Numbers and vectors from a data set's files to an audience: filters, campaign features, explanation. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbers } from '../../packages/lab/scenarios/numbers.ts';
import { writeScenario } from '../../packages/lab/scenarios/scenario.ts';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';

const folder = temporaryFolder();
const [data, model, users, dataDir] = ['data', 'model', 'population', 'data-dir'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
  string,
];
let population: Population;
let service: StartedService;

beforeAll(async () => {
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
  const features = readModelFolder(model).manifest.features.user.map(featureOf);
  await importPopulation({ source: data, features, out: users });
  population = openPopulation(users);
  service = await startReadyService({ dataDir, model, population: users });
});
afterAll(async () => {
  await service.close();
});

function numbersOf(feature: string): Float32Array {
  const column = population.readSegment(0).columns.get(feature)!;
  return 'values' in column ? column.values : new Float32Array(0);
}

const seeds = Array.from({ length: 60 }, (_, i) => `user-${String(i + 1).padStart(5, '0')}`);
const body = (rest: object) => ({ name: 'numbers', seeds, audience: { percent: 100 }, ...rest });

/** Creates a campaign and waits until it has ended. */
async function created(rest: object): Promise<Ended> {
  return service.ended((await service.call('POST', '/v1/campaigns', body(rest))).json.id);
}

interface Ended {
  readonly id: string;
  readonly state: string;
  readonly candidates: number;
  readonly quality: {
    readonly held_out: { readonly held_out_seeds: number; readonly candidates: number } | null;
    readonly prediction: { readonly verdict: string; readonly fitting_seeds: number };
  };
}

function ageOf(user: string): number {
  return numbersOf('age')[population.rowOf[population.directory.find(user)]!]!;
}

/** Once the estimates' thread has loaded its model. */
async function estimated(rest: object): Promise<{ readonly cohesion: unknown }> {
  for (;;) {
    const { status, json } = await service.call('POST', '/v1/estimates', rest);
    expect(status).toBe(200);
    const estimate = json as { readonly cohesion: unknown; readonly reason: { readonly code: string } | null };
    if (estimate.reason === null) return estimate;
    expect(['loading', 'busy', 'too_slow']).toContain(estimate.reason.code);
    await sleep(100);
  }
}

describe('the report of a campaign with a filter', () => {
  it('counts only seeds that pass the filter, as the estimate does', async () => {
    const filters = { age: { min: 20, max: 45 } };
    const fitting = seeds.filter((seed) => ageOf(seed) >= 20 && ageOf(seed) <= 45).length;
    expect(fitting).toBeGreaterThan(5);
    expect(fitting).toBeLessThan(seeds.length);
    const { id, state, candidates, quality } = await created({ filters });
    expect(state).toBe('ready');
    expect(quality.held_out).toMatchObject({ held_out_seeds: fitting, candidates });
    expect(quality.prediction.fitting_seeds).toBe(fitting);
    const report = await service.call('GET', `/v1/campaigns/${id}/quality`);
    expect([report.status, report.json]).toMatchObject([200, { fitting_seeds: fitting, candidates }]);
    expect((report.json as { curve: unknown[] }).curve).toHaveLength(25);
    const estimate = await estimated({ seeds, filters });
    expect(estimate).toMatchObject({ candidates, based_on: { seeds: seeds.length, fitting_seeds: fitting } });
    expect(estimate.cohesion).not.toBeNull();
  });
});

describe('a campaign on numbers and vectors', () => {
  it('ranks users within the bounds, and explains them by bands and means', async () => {
    const filters = { age: { min: 30, max: 40 }, last_seen: { min: 20_000 } };
    const { status, json } = await service.call('POST', '/v1/campaigns', body({ features: { price: 9.5 }, filters }));
    expect(status).toBe(202);
    const { id } = json as { id: string };
    let campaign: { state: string; filters: unknown; features: unknown; feature_counts: unknown };
    do {
      await sleep(50);
      campaign = (await service.call('GET', `/v1/campaigns/${id}`)).json;
    } while (!['ready', 'failed', 'too_small'].includes(campaign.state));
    expect(campaign).toMatchObject({ state: 'ready', filters, features: { price: 9.5 } });
    expect(campaign.feature_counts).toEqual({ unknown: 0, missing: 0 });

    const { userNumbers } = population.readSegment(0);
    const [age, seen] = [numbersOf('age'), numbersOf('last_seen')];
    const expected = [...userNumbers]
      .filter((_, row) => age[row]! >= 30 && age[row]! <= 40 && seen[row]! >= 20_000)
      .map((number) => population.directory.id(number))
      .filter((user) => !seeds.includes(user));
    expect(expected.length).toBeGreaterThan(50);
    const page = (await service.call('GET', `/v1/campaigns/${id}/audience?limit=1000`)).json as {
      items: { user_id: string }[];
    };
    expect(page.items.map(({ user_id }) => user_id).sort()).toEqual(expected.sort());

    const { features } = (await service.call('GET', `/v1/campaigns/${id}/explanation`)).json as {
      features: {
        feature: string;
        kind: string;
        tokens: { token: string }[];
        numbers: Record<string, number> | null;
      }[];
    };
    const of = (name: string) => features.find(({ feature }) => feature === name)!;
    expect(of('region').numbers).toBeNull();
    expect(of('embedding').tokens).toEqual([]);
    expect(of('embedding').numbers!['shift']).toBeGreaterThanOrEqual(0);
    expect(of('age').numbers!['audience_mean']).toBeGreaterThanOrEqual(30);
    expect(of('age').numbers!['audience_mean']).toBeLessThanOrEqual(40);
    expect(of('age').tokens[0]!.token).toMatch(/^(< |>= )?[\d.]+( to [\d.]+)?$/);
  });
});
