/** How predictions agree with the truth: sums by hand, and a model's predictions on planted campaigns and on lots. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { type Trial, testTrials } from '../../src/training/choices/trial.ts';
import {
  checkPredictions,
  holdsTruth,
  type Predicted,
  type PredictionReport,
  summarisePredictions,
} from '../../src/training/evaluation/prediction-check.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, SMALL_SETTINGS, writeSmallDataSet } from './small-data-set.ts';

type Interval = readonly [mean: number, low: number, high: number];
const interval = ([mean, low, high]: Interval) => ({ mean, low, high });

/** A campaign of which recall and lift are predicted, at both sizes alike. */
const NO_DRIFT = { measured: false, campaigns: 0, auc_before: null };

function predicted(
  id: string,
  group: Trial['group'],
  verdict: 'good' | 'weak',
  auc: { predicted: Interval; truth: number },
  recall: { predicted: Interval; truth: number },
): Predicted {
  const both = { '0.05': interval(recall.predicted), '0.2': interval(recall.predicted) };
  const top = (share: number) => ({ share, count: 1, hits: 0, precision: 0, recall: recall.truth, lift: recall.truth });
  return {
    id,
    group,
    members: 0.2,
    prediction: {
      ...{ verdict, reason: '', fitting_seeds: 50, recall: both, lift: both, drift: NO_DRIFT },
      auc: interval(auc.predicted),
    },
    quality: { auc: auc.truth, top: [top(0.05), top(0.2)] },
  };
}

describe('summarisePredictions', () => {
  const one = predicted(
    'one',
    'small',
    'good',
    { predicted: [0.7, 0.6, 0.8], truth: 0.75 },
    { predicted: [0.3, 0.2, 0.5], truth: 0.5 },
  );
  const two = predicted(
    'two',
    'small',
    'weak',
    { predicted: [0.5, 0.45, 0.5], truth: 0.55 },
    { predicted: [0.1, 0, 0.2], truth: 0.3 },
  );
  const three = predicted(
    'three',
    'large',
    'weak',
    { predicted: [0.6, 0.5, 0.7], truth: 0.7 },
    { predicted: [0.2, 0.1, 0.2], truth: 0.1 },
  );

  it('is by hand for three campaigns', () => {
    const { small, large, all } = summarisePredictions([one, two, three]);
    expect(small!.recall['0.05']).toEqual({
      coverage: 0.5,
      mean_predicted: expect.closeTo(0.2, 12),
      mean_true: expect.closeTo(0.4, 12),
      mean_absolute_error: expect.closeTo(0.2, 12),
      correlation: expect.closeTo(1, 12),
      mean_width: expect.closeTo(0.25, 12),
    });
    // against all rows, of which a fifth are members: .1 + .8 auc = .7 and .54
    expect(small!.auc).toMatchObject({ coverage: 0.5, mean_true: expect.closeTo(0.62, 12) });
    expect(large!.lift['0.2']).toMatchObject({ coverage: 1, correlation: null, mean_width: expect.closeTo(0.1, 12) });
    expect(all).toMatchObject({
      campaigns: 3,
      predicted: 3,
      verdicts: { good: 1, weak: 2, unsure: 0 },
      weak: { auc: 0.6, truly: 1, called: 2, both: 1 },
    });
  });

  it('leaves out groups without campaigns, and measures when nothing was predicted', () => {
    const none: Predicted = {
      ...three,
      prediction: {
        verdict: 'unsure',
        reason: '',
        fitting_seeds: 50,
        auc: null,
        recall: {},
        lift: {},
        drift: NO_DRIFT,
      },
    };
    expect(summarisePredictions([none])).toEqual({
      large: expect.objectContaining({ campaigns: 1, predicted: 0, auc: null }),
      all: expect.objectContaining({
        recall: { '0.05': null, '0.2': null },
        lift: { '0.05': null, '0.2': null },
        verdicts: { good: 0, weak: 0, unsure: 1 },
      }),
    });
  });
});

describe('checkPredictions', () => {
  let root = '';
  let prepared: PreparedDataSet;
  let report: PredictionReport;
  let model: GeneralModel;
  let trials: Trial[];
  let check: (what: readonly Trial[]) => Promise<PredictionReport>;
  beforeAll(async () => {
    root = temporaryFolder();
    prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), CAMPAIGNS));
    const out = join(root, 'model');
    await train(prepared, {
      out,
      settings: { ...SMALL_SETTINGS, recipe: 'meta-heads', steps: 10, adaptation: DEFAULT_DESCENT },
      device: CPU,
      clock: systemClock,
      resume: false,
      signal: new AbortController().signal,
    });
    model = await loadModel(out);
    trials = testTrials(prepared.history.campaigns);
    check = (what) => checkPredictions(prepared, model, what, { seed: 1, device: CPU });
    report = await check(trials);
  });
  afterAll(() => {
    prepared.close();
  });

  it('tells what was predicted of each campaign beside its truth, which the summaries are over', () => {
    const { campaigns, groups } = report;
    expect(campaigns.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['t0', 'good'],
      ['t1', 'good'],
    ]);
    const recalls = campaigns.map(({ recall }) => recall['0.05']!);
    expect(recalls.every(({ low, mean, high }) => low <= mean && mean <= high)).toBe(true);
    expect((recalls[0]!.true + recalls[1]!.true) / 2).toBeCloseTo(groups.all!.recall['0.05']!.mean_true, 12);
    expect(recalls.filter(holdsTruth).length / 2).toBe(groups.all!.recall['0.05']!.coverage);
    const [auc] = campaigns.map((one) => one.auc!);
    expect(auc!.true).toBeCloseTo(groups.small!.auc!.mean_true, 12);
  });

  it('calls planted campaigns good', () => {
    expect(report.groups.all).toMatchObject({ campaigns: 2, predicted: 2, verdicts: { good: 2 } });
  });

  it('calls random users weak or unsure: of few seeds now and then a set is lucky', async () => {
    let good = 0;
    let sets = 0;
    for (const seed of [1, 2, 3, 4]) {
      const { random_seeds } = await checkPredictions(prepared, model, trials, { seed, device: CPU });
      good += random_seeds.verdicts.good;
      sets += random_seeds.sets;
    }
    expect(sets).toBe(8);
    expect(good).toBeLessThanOrEqual(1);
  });

  it('predicts the same whatever the labels of the eval rows', async () => {
    const turned = trials.map((trial) => ({
      ...trial,
      evaluation: { ...trial.evaluation, labels: trial.evaluation.labels.map((label) => 1 - label) },
    }));
    const other = await check(turned);
    expect(other.groups.all!.verdicts).toEqual(report.groups.all!.verdicts);
    for (const what of ['recall', 'lift'] as const) {
      const [before, after] = [report.groups.all![what]['0.05']!, other.groups.all![what]['0.05']!];
      expect(after.mean_predicted).toBe(before.mean_predicted);
      expect(after.mean_true).not.toBe(before.mean_true);
    }
  });
});
