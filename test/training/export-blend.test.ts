/** Exported models whose heads have no weight: they rank by the closed forms alone, and keep all inputs. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { ClosedForm, Share } from '../../src/model/blend.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { scorerOf } from '../../src/training/baselines/baselines.ts';
import { populationRidge } from '../../src/training/baselines/population-ridge.ts';
import { withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { prepareTrainingData } from '../../src/training/choices/past-campaigns-choice.ts';
import { testTrials } from '../../src/training/choices/trial.ts';
import { modelMethod } from '../../src/training/evaluation/methods.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { openFutures } from '../../src/training/history/futures.ts';
import type { PreparedDataSet } from '../../src/training/history/prepared-data-set.ts';
import { createInitialModel, exportModel } from '../../src/training/meta/initial-model.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, SMALL_SETTINGS, writeSmallDataSet } from './small-data-set.ts';

const SETTINGS: TrainSettings = { ...SMALL_SETTINGS, recipe: 'meta-heads', adaptation: DEFAULT_DESCENT };
const RIDGE = { strength: 0.05, power: 0.25 };
const REGRESSION: ClosedForm = { kind: 'regression', ...RIDGE };
const COMPANION: ClosedForm = { kind: 'logistic', strengths: { [HEADS.wide]: 0.1 } };
const always = (weight: number): Share => ({ few: weight, many: weight });

let root = '';
let prepared: PreparedDataSet;

beforeAll(async () => {
  root = temporaryFolder();
  prepared = await prepareTrainingData(writeSmallDataSet(newFolder(root), CAMPAIGNS), {
    pastCampaigns: 'always',
    seed: 1,
  });
});
afterAll(() => prepared.close());

async function exported(
  forms: readonly ClosedForm[],
  shares: readonly Share[],
  settings: Partial<TrainSettings> = {},
): Promise<GeneralModel> {
  const out = join(newFolder(root), 'model');
  const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
  const initial = createInitialModel(prepared, campaigns, { ...SETTINGS, ...settings });
  await exportModel(prepared, initial, initial.graph.initializers, out, {
    ...{ name: 'blend', created: '2026-01-01T00:00:00.000Z', evaluation: null },
    adaptation: withStack(DEFAULT_DESCENT, forms, shares),
    training: {},
  });
  return loadModel(out, { device: CPU });
}

async function aucsOf(model: GeneralModel): Promise<number[]> {
  const trials = testTrials(prepared.history.campaigns);
  const { qualities } = await modelMethod('blend', prepared, model).run(trials, { repeats: 1, seed: 1, device: CPU });
  return qualities.map(({ repeats }) => repeats[0]!.auc);
}

function ridgeAucs(): number[] {
  const { oneHot } = openFutures(prepared, prepared.userFeatures);
  const ridge = populationRidge(oneHot);
  return testTrials(prepared.history.campaigns).map(
    ({ seeds, evaluation: { users, labels } }) =>
      measureRanking(users, scorerOf(ridge, RIDGE, seeds, createRng('ridge'))(users), labels, [0.05]).auc,
  );
}

describe('an exported model', () => {
  it('with the regression alone ranks as the regression does, and has the inputs of the campaign', async () => {
    const model = await exported([REGRESSION], [always(0), always(1)]);
    expect(model.graph.inputs.some((name) => name.startsWith('campaign.'))).toBe(true);
    expect([...model.graph.initializers.keys()].some((name) => name.startsWith('experts.'))).toBe(false);
    const expected = ridgeAucs();
    const aucs = await aucsOf(model);
    expect(aucs.length).toBeGreaterThan(1);
    aucs.forEach((auc, i) => {
      expect(Math.abs(auc - expected[i]!), `campaign ${i}`).toBeLessThan(1e-6);
    });
  });

  it('ranks by closed forms alone as the whole graph does', async () => {
    const shares = [always(0.5), always(1)];
    const alone = await exported([COMPANION, REGRESSION], [always(0), ...shares]);
    // a weight of the heads too small to change a ranking keeps the whole graph
    const whole = await exported([COMPANION, REGRESSION], [always(1e-6), ...shares]);
    expect(whole.graph.initializers.size).toBeGreaterThan(alone.graph.initializers.size);
    const [expected, aucs] = [await aucsOf(whole), await aucsOf(alone)];
    aucs.forEach((auc, i) => {
      expect(Math.abs(auc - expected[i]!), `campaign ${i}`).toBeLessThan(0.01);
    });
  });

  it('has a regression with a single critic too', async () => {
    const model = await exported([REGRESSION], [always(1e-6), always(1)], { critics: 1, experts: 1 });
    const expected = ridgeAucs();
    (await aucsOf(model)).forEach((auc, i) => {
      expect(Math.abs(auc - expected[i]!), `campaign ${i}`).toBeLessThan(0.02);
    });
  });
});
