/** One data set of the quality benchmark: the prepared data set, its trials, and the models trained on it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  /** Folder with the models and results of the data set. */
  readonly folder: string;
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
  const prepared = await prepareTrainingData(data, { pastCampaigns: 'auto', seed: DEFAULT_TRAIN_SETTINGS.seed });
  const { name } = prepared.dataSet;
  const folder = join(work, encodeURIComponent(name));
  mkdirSync(folder, { recursive: true });
  return {
    name,
    prepared,
    trials: testTrials(prepared.history.campaigns),
    folder,
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
  const { folder, prepared, options } = run;
  const own: TrainSettings = { ...settings, steps: options.steps ?? settings.steps };
  const out = join(folder, `model-${name}`);
  const kept = findResult<Training>(folder, `training-${name}`, own);
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
    keepResult(folder, `training-${name}`, own, training);
    return { model: await loadModel(out, { device: CPU }), training };
  } finally {
    if (used !== prepared) used.close();
  }
}

/** Returns the stored result if it was stored under `key`, otherwise null. Without `key`, returns any stored result. */
export function findResult<T>(folder: string, name: string, key?: unknown): T | null {
  const file = join(folder, `${name}.json`);
  if (!existsSync(file)) return null;
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { key: unknown; value: T };
  return key === undefined || JSON.stringify(kept.key) === JSON.stringify(key) ? kept.value : null;
}

export function keepResult(folder: string, name: string, key: unknown, value: unknown): void {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ key, value })}\n`);
}
