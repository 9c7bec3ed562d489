/** Evaluation: the report's shape, groups, and methods against planted truth. */
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { DEFAULT_ADAPTATION } from '../../src/model/manifest.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { type EvaluationReport, evaluate } from '../../src/training/evaluation/evaluate.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { CAMPAIGNS, SMALL_SETTINGS, type SmallCampaign, writeSmallDataSet } from './small-data-set.ts';
import { useTrainings } from './small-training.ts';

/** A clock that is one second later at each call. */
function tickingClock(): Clock {
  let ms = 0;
  return { now: () => 0, elapsed: () => (ms += 1000) };
}

const { newPath, open, trainInto } = useTrainings(SMALL_SETTINGS);
let model: GeneralModel;

const preparedOf = (campaigns: readonly SmallCampaign[]) =>
  open(prepareDataSet(writeSmallDataSet(temporaryFolder(), campaigns)));

async function evaluateOn(prepared: PreparedDataSet, repeats = 2, seed = 1): Promise<EvaluationReport> {
  return evaluate(prepared, model, { repeats, seed, device: CPU, clock: tickingClock() });
}

let prepared: PreparedDataSet;
let report: EvaluationReport;
beforeAll(async () => {
  const tests = Array.from({ length: 10 }, (_, i): SmallCampaign => {
    const group = i % 2 === 0 ? 'small' : 'large';
    return { id: `t${i}`, split: 'test', group, rows: 70, members: group === 'small' ? 8 : 15 };
  });
  prepared = await preparedOf([...CAMPAIGNS.slice(0, 6), ...tests]);
  const adaptation = {
    ...DEFAULT_ADAPTATION,
    negatives_per_seed: 2,
    early_stopping: { held_out_share: 0.2, minimum_held_out: 3 },
    epochs: 6,
    rate: 0.03,
  };
  const { out } = await trainInto(newPath(), { settings: { steps: 10, adaptation } });
  model = await loadModel(out);
  report = await evaluateOn(prepared);
});

const interval = z
  .strictObject({ mean: z.number(), low: z.number(), high: z.number() })
  .refine(({ mean, low, high }) => low <= mean && mean <= high);
const at5Percent = z.strictObject({ '0.05': interval });
const group = z.strictObject({
  campaigns: z.int().positive(),
  auc: interval,
  precision: at5Percent,
  recall: at5Percent,
  lift: at5Percent,
});
const BASELINES = [
  'logistic_regression',
  'logistic_regression_svd',
  'population_ridge',
  'naive_bayes',
  'centroid',
  'user_knn',
  'random',
];
const curve = z.array(z.strictObject({ share: z.number(), recall: interval, lift: interval }));
const differenceGroup = z.strictObject({ auc: interval, precision: at5Percent });
const differenceGroups = z.strictObject({ small: differenceGroup, large: differenceGroup, all: differenceGroup });
const groups = z.strictObject({ small: group, large: group, all: group });

describe('evaluate', () => {
  itUsual('reports every method on every group, with intervals, in the documented JSON', () => {
    const json = JSON.parse(JSON.stringify(report)) as EvaluationReport;
    const { methods, differences, chosen, curves, by_seeds, campaigns, ...rest } = json;
    expect(Object.keys(methods)).toEqual(['metaheac', ...BASELINES]);
    for (const method of Object.values(methods)) expect(groups.parse(method)).toEqual(method);
    expect(Object.keys(differences)).toEqual(BASELINES);
    for (const each of Object.values(differences)) expect(differenceGroups.parse(each)).toEqual(each);
    expect(Object.entries(chosen).map(([name, { setting }]) => [name, Object.keys(setting)])).toEqual([
      ['logistic_regression', ['strength']],
      ['logistic_regression_svd', ['idf_power', 'strength']],
      ['population_ridge', ['strength', 'power']],
      ['naive_bayes', ['smoothing']],
      ['user_knn', ['k', 'idf_power']],
    ]);
    expect(rest).toEqual({
      dataset: 'small',
      model: `small ${model.manifest.version}`,
      repeats: 2,
      seed: 1,
      groups: methods['metaheac'],
      // the clock is read before the first campaign and after the last of 10 x 2
      seconds_per_campaign: 1 / 20,
      // and before and after each other method
      seconds: Object.fromEntries(['metaheac', ...BASELINES].map((name) => [name, 1])),
      logistic_regression_strength: chosen['logistic_regression']!.setting['strength'],
      skipped_campaigns: [],
    });
    for (const { small, large, all } of Object.values(methods))
      expect([small!.campaigns, large!.campaigns, all!.campaigns]).toEqual([5, 5, 10]);
    expect(Object.keys(curves)).toEqual(['metaheac', ...BASELINES]);
    for (const each of Object.values(curves)) expect(curve.parse(each)).toEqual(each);
    expect(by_seeds.map(({ from, to, campaigns }) => [from, to, campaigns])).toEqual([
      [5, 10, 5],
      [10, 20, 5],
    ]);
    expect(
      campaigns.map(({ id, group, seeds, rows, members }) => [id, group, seeds, rows, members]).slice(0, 2),
    ).toEqual([
      ['t0', 'small', 8, 70, 22],
      ['t1', 'large', 15, 70, 15],
    ]);
  });

  itUsual('finds the planted members, unlike a random order', () => {
    const aucOf = (method: string) => report.methods[method]!.all!.auc.mean;
    for (const method of BASELINES.filter((name) => name !== 'random'))
      expect(aucOf(method), method).toBeGreaterThan(0.88);
    // ten steps of training and eight seeds
    expect(aucOf('metaheac')).toBeGreaterThan(0.75);
    expect(Math.abs(aucOf('random') - 0.5)).toBeLessThan(0.07);
    expect(report.methods['metaheac']!.all!.lift['0.05']!.mean).toBeGreaterThan(2);
  });

  itUsual('returns the same numbers for the same seed, and reports progress', async () => {
    const two = await preparedOf(CAMPAIGNS);
    const seen: string[] = [];
    const once = await evaluate(two, model, {
      repeats: 1,
      seed: 1,
      device: CPU,
      clock: tickingClock(),
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(seen).toEqual(['1/2', '2/2']);
    expect(await evaluateOn(two, 1)).toEqual(once);
    expect((await evaluateOn(two, 1, 2)).methods).not.toEqual(once.methods);
  });

  itUsual(
    'measures campaigns without a group, or without members to learn from, and says which it leaves out',
    async () => {
      const lone = CAMPAIGNS.slice(0, 6).map((campaign) => ({ ...campaign, members: 1 }));
      const [small, large] = CAMPAIGNS.slice(6);
      const { group: _, ...rest } = large!;
      const seedless: SmallCampaign = { id: 'seedless', split: 'test', group: 'small', rows: 70, members: 0 };
      const evaluated = await evaluateOn(await preparedOf([...lone, small!, rest, seedless]), 1);
      expect(evaluated.logistic_regression_strength).toBe(0.1);
      expect(evaluated.methods['logistic_regression']!.all!.campaigns).toBe(2);
      expect(evaluated.skipped_campaigns).toEqual([{ id: 'seedless', reason: 'the campaign has no seeds' }]);
      expect(Object.entries(evaluated.groups).map(([name, { campaigns }]) => [name, campaigns])).toEqual([
        ['small', 1],
        ['all', 2],
      ]);
    },
  );

  itUsual('refuses a data set without a test campaign', async () => {
    const none = await preparedOf(CAMPAIGNS.slice(0, 6));
    await expect(evaluateOn(none)).rejects.toMatchObject({
      code: 'invalid_data',
      message: `${none.dataSet.path} has no test campaign that can be evaluated`,
    });
  });

  itUsual('refuses a data set that lacks a feature of the model', async () => {
    const { manifest } = model.folder;
    const features = {
      ...manifest.features,
      user: [...manifest.features.user, { name: 'city', kind: 'single' as const, vocabulary_size: 1 }],
    };
    const folder = { ...model.folder, manifest: { ...manifest, features } };
    const evaluating = evaluate(
      prepared,
      { ...model, folder },
      { repeats: 1, seed: 1, device: CPU, clock: tickingClock() },
    );
    await expect(evaluating).rejects.toMatchObject({
      code: 'invalid_model',
      message: expect.stringContaining('the model needs user feature "city"'),
    });
  });
});

describe('evaluate, with other models', () => {
  let past: PreparedDataSet;
  let heads: GeneralModel;
  const beside = (own: GeneralModel, ...others: GeneralModel[]) =>
    evaluate(past, own, { repeats: 1, seed: 1, device: CPU, clock: tickingClock(), beside: others });

  beforeAll(async () => {
    past = await open(prepareDataSet(writeSmallDataSet(temporaryFolder(), CAMPAIGNS), { pastCampaigns: true }));
    const settings = { recipe: 'meta-heads', steps: 2, adaptation: DEFAULT_DESCENT } as const;
    const { out } = await trainInto(newPath(), { prepared: past, settings });
    heads = await loadModel(out);
  });

  itUsual(
    'names them by their recipes and evaluates all on the same trials, whether or not they read past campaigns',
    async () => {
      const reads = (one: GeneralModel) => one.manifest.features.user.some(({ name }) => name === PAST_CAMPAIGNS);
      expect([reads(heads), reads(model)]).toEqual([true, false]);
      const both = await beside(heads, model);
      expect(Object.keys(both.methods)).toEqual(['metaheac', 'published', ...BASELINES]);
      expect(Object.keys(both.differences)).toEqual(['published', ...BASELINES]);
      const reversed = await beside(model, heads);
      expect(reversed.methods['metaheac']!.all!.auc.mean).toBe(both.methods['published']!.all!.auc.mean);
      expect(reversed.methods['meta-heads']!.all!.auc.mean).toBe(both.methods['metaheac']!.all!.auc.mean);
      expect(reversed.differences['meta-heads']!.all!.auc.mean).toBeCloseTo(
        -both.differences['published']!.all!.auc.mean,
        12,
      );
    },
  );

  it.runIf(IS_LONG)(
    'also evaluates each without adaptation if requested: the same in each repeat, whatever the seeds',
    async () => {
      const how = { seed: 1, device: CPU, clock: tickingClock(), beside: [model], withUnadapted: true };
      const report = await evaluate(past, heads, { ...how, repeats: 2 });
      const names = ['metaheac', 'unadapted', 'published', 'published unadapted'];
      expect(Object.keys(report.methods)).toEqual([...names, ...BASELINES]);
      const again = await evaluate(past, heads, { ...how, repeats: 1, seed: 7 });
      const aucOf = ({ methods }: typeof report, name: string) => methods[name]!.all!.auc.mean;
      for (const name of ['unadapted', 'published unadapted']) expect(aucOf(again, name)).toBe(aucOf(report, name));
      expect(aucOf(report, 'metaheac')).not.toBe(aucOf(report, 'unadapted'));
      const beside = await evaluate(past, model, { ...how, beside: [], repeats: 1 });
      expect(aucOf(beside, 'unadapted')).toBe(aucOf(report, 'published unadapted'));
    },
  );

  itUsual('names one by name and version when its recipe is taken or missing', async () => {
    const { training: _, ...manifest } = heads.manifest;
    const plain = { ...heads, manifest: { ...manifest, training: null, version: 'of-old' } };
    const random = { ...heads, manifest: { ...heads.manifest, training: { recipe: 'random' }, version: 'of-new' } };
    const { methods } = await beside(heads, model, model, plain, random);
    const names = ['published', `small ${model.manifest.version}`, 'small of-old', 'small of-new'];
    expect(Object.keys(methods)).toEqual(['metaheac', ...names, ...BASELINES]);
  });

  itUsual('refuses models with the same name', async () => {
    await expect(beside(heads, model, model, model)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `the model small ${model.manifest.version} appears twice`,
    });
  });
});
