/** Agreement of predictions with the truth: by hand, and for planted campaigns and random users. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CampaignPrediction,
  holdsTruth,
  type PredictionReport,
  reportPredictions,
  summarisePredictions,
} from '../../../packages/lab/predictions/agreement.ts';
import { predictionChart } from '../../../packages/lab/predictions/chart.ts';
import { measurePredictions } from '../../../packages/lab/predictions/measure.ts';
import { coverageRow } from '../../../packages/lab/predictions/report.ts';
import { CPU } from '../../../packages/onnx-grad/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type GeneralModel, loadModel } from '../../../src/model/load.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import { type Trial, testTrials } from '../../../src/training/choices/trial.ts';
import { type PreparedDataSet, prepareDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { colour } from '../../../src/training/report/theme.ts';
import { train } from '../../../src/training/train.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { CAMPAIGNS, SMALL_SETTINGS, writeSmallDataSet } from '../../training/small-data-set.ts';

type Bounds = readonly [mean: number, low: number, high: number];
const truth = ([mean, low, high]: Bounds, value: number) => ({ mean, low, high, true: value });

/** A campaign with the same predicted recall at both sizes. */
function predicted(
  id: string,
  { group, verdict }: { group: 'small' | 'large'; verdict: 'good' | 'weak' },
  auc: [Bounds, number],
  recall: [Bounds, number],
): CampaignPrediction {
  const one = truth(...recall);
  const isTrulyWeak = auc[1] < 0.6;
  return { id, group, verdict, seeds: 50, isTrulyWeak, auc: truth(...auc), recall: { '0.05': one, '0.2': one } };
}

const FIRST = predicted('one', { group: 'small', verdict: 'good' }, [[0.7, 0.6, 0.8], 0.7], [[0.3, 0.2, 0.5], 0.5]);
const SECOND = predicted('two', { group: 'small', verdict: 'weak' }, [[0.5, 0.45, 0.5], 0.54], [[0.1, 0, 0.2], 0.3]);
const THIRD = predicted('three', { group: 'large', verdict: 'weak' }, [[0.6, 0.5, 0.7], 0.7], [[0.2, 0.1, 0.2], 0.1]);
const UNKNOWN: CampaignPrediction = { ...THIRD, verdict: 'unsure', auc: null, recall: { '0.05': null, '0.2': null } };
const reportOf = (campaigns: readonly CampaignPrediction[]): PredictionReport => ({
  campaigns,
  groups: summarisePredictions(campaigns),
  drift: { measured: false, campaigns: 0 },
  random_seeds: { sets: 3, verdicts: { good: 0, unsure: 1, weak: 2 } },
});

describe('summarisePredictions', () => {
  it('gives the values computed by hand for three campaigns', () => {
    const { small, large, all } = summarisePredictions([FIRST, SECOND, THIRD]);
    expect(small!.recall['0.05']).toEqual({
      coverage: 0.5,
      mean_predicted: expect.closeTo(0.2, 12),
      mean_true: expect.closeTo(0.4, 12),
      mean_absolute_error: expect.closeTo(0.2, 12),
      correlation: expect.closeTo(1, 12),
      mean_width: expect.closeTo(0.25, 12),
    });
    expect(small!.auc).toMatchObject({ coverage: 0.5, mean_true: expect.closeTo(0.62, 12) });
    expect(large!.recall['0.2']).toMatchObject({ coverage: 1, correlation: null, mean_width: expect.closeTo(0.1, 12) });
    expect(all).toMatchObject({
      campaigns: 3,
      predicted: 3,
      verdicts: { good: 1, weak: 2, unsure: 0 },
      weak: { auc: 0.6, truly: 1, called: 1 },
    });
  });

  it('leaves out groups without campaigns, and means if nothing was predicted', () => {
    expect(summarisePredictions([UNKNOWN])).toEqual({
      large: expect.objectContaining({ campaigns: 1, predicted: 0, auc: null }),
      all: expect.objectContaining({
        recall: { '0.05': null, '0.2': null },
        verdicts: { good: 0, weak: 0, unsure: 1 },
      }),
    });
  });
});

describe('predictionChart', () => {
  it('has a point for each campaign, and counts intervals that contain the truth', () => {
    const chart = predictionChart(reportOf([FIRST, SECOND, THIRD]), 'made up')!;
    const drawn = chart.body.join('');
    expect(drawn).toContain('interval contains the true recall: 2 of 3');
    // with the marks of the legend
    expect([...drawn.matchAll(new RegExp(`<circle [^>]*fill="${colour('own')}"`, 'g'))]).toHaveLength(2 + 1);
    expect([...drawn.matchAll(new RegExp(`<path [^>]*fill="${colour('vermilion')}"`, 'g'))]).toHaveLength(1 + 1);
  });

  it('is null if nothing was predicted', () => {
    expect(predictionChart(reportOf([UNKNOWN]), 'made up')).toBeNull();
    expect(coverageRow('made up', reportOf([UNKNOWN]), 1)).toContain('-');
  });
});

describe('reportPredictions', () => {
  let root = '';
  let prepared: PreparedDataSet;
  let report: PredictionReport;
  let model: GeneralModel;
  let trials: Trial[];
  let check: (what: readonly Trial[], seed?: number) => Promise<PredictionReport>;
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
    check = async (what, seed = 1) =>
      reportPredictions(await measurePredictions(prepared, model, what, { seed, device: CPU }), model.manifest.drift);
    report = await check(trials);
  });
  afterAll(() => {
    prepared.close();
  });

  it("returns each campaign's prediction with the true value, and summaries of these", () => {
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

  it('calls random users weak or unsure, except for an occasional lucky set of few seeds', async () => {
    let good = 0;
    let sets = 0;
    for (const seed of [1, 2, 3, 4]) {
      const { random_seeds } = await check(trials, seed);
      good += random_seeds.verdicts.good;
      sets += random_seeds.sets;
    }
    expect(sets).toBe(8);
    expect(good).toBeLessThanOrEqual(1);
  });

  it('predicts the same for any labels of the eval rows', async () => {
    const turned = trials.map((trial) => ({
      ...trial,
      evaluation: { ...trial.evaluation, labels: trial.evaluation.labels.map((label) => 1 - label) },
    }));
    const other = await check(turned);
    expect(other.groups.all!.verdicts).toEqual(report.groups.all!.verdicts);
    const [before, after] = [report.groups.all!.recall['0.05']!, other.groups.all!.recall['0.05']!];
    expect(after.mean_predicted).toBe(before.mean_predicted);
    expect(after.mean_true).not.toBe(before.mean_true);
  });
});
