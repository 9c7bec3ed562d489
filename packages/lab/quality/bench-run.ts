/** One data set of the quality benchmark: the prepared data set, its trials, and the models trained on it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { type GeneralModel, loadModel } from '../../../src/model/load.ts';
import type { AdaptationSettings } from '../../../src/model/manifest.ts';
import { defaultTrainingThreads } from '../../../src/service/settings/environment.ts';
import { prepareTrainingData } from '../../../src/training/choices/past-campaigns-choice.ts';
import { type Trial, testTrials } from '../../../src/training/choices/trial.ts';
import type { MethodOptions } from '../../../src/training/evaluation/methods.ts';
import { type PreparedDataSet, prepareDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS, type TrainSettings } from '../../../src/training/settings.ts';
import { train } from '../../../src/training/train.ts';
import { CPU } from '../../onnx-grad/index.ts';
import { openPartStore, type PartStore } from './part-store.ts';

export interface BenchOptions {
  /** Number of steps in each training run; null to use the number in the settings. */
  readonly steps: number | null;
  readonly repeats: number;
  /** Whether to train a model with the published recipe as well. */
  readonly published: boolean;
  readonly note: (line: string) => void;
}

export interface BenchRun {
  readonly name: string;
  /** The prepared data set, with past campaigns if they are a feature. */
  readonly prepared: PreparedDataSet;
  /** The test campaigns. */
  readonly trials: readonly Trial[];
  readonly store: PartStore;
  readonly options: BenchOptions;
  readonly methodOptions: MethodOptions;
  note(line: string): void;
}

/** Facts about the training of a model. */
export interface Training {
  readonly steps: number;
  readonly bestStep: number;
  readonly finalSteps: number;
  readonly seconds: number;
  readonly adaptation: AdaptationSettings;
}

const SEED = 1;

/** Opens the data set `data`. Results are stored in a folder in `work` named after the data set. */
export async function openBenchRun(data: string, work: string, options: BenchOptions): Promise<BenchRun> {
  const prepared = await prepareTrainingData(data, {
    pastCampaigns: 'auto',
    seed: DEFAULT_TRAIN_SETTINGS.seed,
  });
  const { name } = prepared.dataSet;
  return {
    name,
    prepared,
    trials: testTrials(prepared.history.campaigns),
    store: openPartStore(join(work, encodeURIComponent(name))),
    options,
    methodOptions: { repeats: options.repeats, seed: SEED, device: CPU },
    note: (line) => options.note(`${name}: ${line}`),
  };
}

/** Trains a model called `name`, or loads the model if it has already been trained with the same settings. */
export async function trainedModel(
  run: BenchRun,
  name: string,
  settings: TrainSettings,
  pastCampaigns: 'auto' | 'never' = 'auto',
): Promise<{ model: GeneralModel; training: Training }> {
  const { store, prepared, options } = run;
  const own: TrainSettings = { ...settings, steps: options.steps ?? settings.steps };
  const out = join(store.folder, `model-${name}`);
  const kept = store.find<Training>(`training-${name}`, own);
  if (kept && existsSync(out)) return { model: await loadModel(out, { device: CPU }), training: kept };
  const used = pastCampaigns === 'never' ? await prepareDataSet(prepared.dataSet.path) : prepared;
  try {
    const start = systemClock.elapsed();
    const { manifest, steps, bestStep, finalSteps } = await train(used, {
      out,
      settings: own,
      device: CPU,
      clock: systemClock,
      resume: false,
      threads: defaultTrainingThreads(CPU),
      signal: new AbortController().signal,
      onProgress({ phase, step, validationAuc }) {
        if (validationAuc !== null || (phase === 'final' && step % 50 === 0))
          run.note(`${name}, ${phase}: step ${step}${validationAuc === null ? '' : `, ${validationAuc.toFixed(4)}`}`);
      },
    });
    const seconds = (systemClock.elapsed() - start) / 1000;
    const training: Training = { steps, bestStep, finalSteps, seconds, adaptation: manifest.adaptation };
    store.keep(`training-${name}`, own, training);
    return { model: await loadModel(out, { device: CPU }), training };
  } finally {
    if (used !== prepared) used.close();
  }
}
