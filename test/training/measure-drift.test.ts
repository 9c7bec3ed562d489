/** Drift from the dates of a data set to its predictions: trained on past campaigns, checked on test campaigns. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportPredictions } from '../../packages/lab/predictions/agreement.ts';
import { measurePredictions } from '../../packages/lab/predictions/measure.ts';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { testTrials } from '../../src/training/choices/trial.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { DATED, writeDatedDataSet } from './dated-data-set.ts';
import { SMALL_SETTINGS } from './small-data-set.ts';

const SETTINGS: TrainSettings = {
  ...SMALL_SETTINGS,
  recipe: 'meta-heads',
  steps: 4,
  retrain: true,
  validationShare: 0.3,
  chooseAdaptation: false,
  adaptation: DEFAULT_DESCENT,
};

let root = '';
const opened: PreparedDataSet[] = [];

async function trainOn(options: { later: number; dates: boolean }, more: { stopAfter?: number } = {}) {
  const prepared = await prepareDataSet(writeDatedDataSet(join(newFolder(root), 'data'), options));
  opened.push(prepared);
  const out = join(newFolder(root), 'model');
  const run = async (resume: boolean, stopAfter = Number.POSITIVE_INFINITY) => {
    const abort = new AbortController();
    let steps = 0;
    await train(prepared, {
      ...{ out, settings: SETTINGS, device: CPU, resume, signal: abort.signal },
      clock: { now: () => 0, elapsed: () => 0 },
      onProgress: () => {
        if (++steps === stopAfter) abort.abort();
      },
    });
  };
  if (more.stopAfter) await run(false, more.stopAfter);
  await run(more.stopAfter !== undefined);
  return { prepared, model: await loadModel(out) };
}

/** For the test campaigns: how often the interval of recall@5% holds, the predicted and the true mean. */
async function checked(prepared: PreparedDataSet, model: GeneralModel) {
  const trials = testTrials(prepared.history.campaigns);
  const measured = await measurePredictions(prepared, model, trials, { seed: 1, device: CPU });
  const report = reportPredictions(measured, model.manifest.drift);
  return { ...report.groups.all!, drift: report.drift };
}

beforeAll(() => {
  root = temporaryFolder();
});
afterAll(() => {
  for (const one of opened) one.close();
});

describe('a model trained on a data set with dates', () => {
  let drifting: Awaited<ReturnType<typeof trainOn>>;
  beforeAll(async () => {
    drifting = await trainOn({ later: 0.35, dates: true });
  });

  it('learns from held-out campaigns how much later members drift', () => {
    const { drift } = drifting.model.manifest;
    expect(drift).toMatchObject({ data: 'dated', campaigns: Math.round(0.3 * DATED.train) });
    expect(drift!.from >= '2026-01-01' && drift!.until > drift!.from).toBe(true);
    // at most half of sixty members are seeds
    expect(drift!.by_seeds.map(({ seeds }) => seeds)).toEqual([10, 30]);
    for (const { recall, auc, campaigns } of drift!.by_seeds) {
      expect(campaigns).toBe(drift!.campaigns);
      expect(recall.kept).toBeLessThan(0.8);
      expect(auc.kept).toBeLessThan(0.8);
    }
  });

  it('predicts test campaigns correctly, and too optimistically without it', async () => {
    const { prepared, model } = drifting;
    const { drift: _, ...manifest } = model.manifest;
    const after = await checked(prepared, model);
    const before = await checked(prepared, { ...model, manifest });
    expect([before.drift, after.drift]).toEqual([
      { measured: false, campaigns: 0 },
      { measured: true, campaigns: model.manifest.drift!.campaigns },
    ]);
    for (const top of ['0.05', '0.2'] as const) {
      const [plain, moved] = [before.recall[top]!, after.recall[top]!];
      const off = ({ mean_predicted, mean_true }: typeof plain) => mean_predicted - mean_true;
      expect(off(plain)).toBeGreaterThan(0.08);
      expect(Math.abs(off(moved))).toBeLessThan(off(plain) / 2);
      expect(moved.coverage).toBeGreaterThanOrEqual(plain.coverage);
    }
    expect(before.auc!.coverage).toBeLessThan(0.7);
    expect(after.auc!.coverage).toBeGreaterThanOrEqual(0.8);
  });

  it('is the same after an interruption', async () => {
    const { drift } = drifting.model.manifest;
    // in the last training, after drift was measured
    const { model } = await trainOn({ later: 0.35, dates: true }, { stopAfter: 5 });
    expect(model.manifest.drift).toEqual(drift);
  });
});

describe('a model trained on a data set', () => {
  it('keeps nearly everything if later members are like the first', async () => {
    const { model } = await trainOn({ later: 0.9, dates: true });
    for (const { recall, auc } of model.manifest.drift!.by_seeds) {
      expect(recall.kept).toBeGreaterThan(0.85);
      expect(auc.kept).toBeGreaterThan(0.85);
    }
  });

  it('has no drift without dates', async () => {
    const { prepared, model } = await trainOn({ later: 0.35, dates: false });
    expect(model.manifest.drift).toBeUndefined();
    expect((await checked(prepared, model)).drift).toEqual({ measured: false, campaigns: 0 });
  });
});
