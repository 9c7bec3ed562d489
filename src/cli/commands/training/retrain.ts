/** `metaheac retrain`. */
import { join } from 'node:path';
import { AppError } from '../../../lib/errors.ts';
import { tryFileLock } from '../../../lib/files/file-lock.ts';
import { signedInterval } from '../../../lib/interval.ts';
import { bar, type Output } from '../../../lib/output.ts';
import { type GeneralModel, loadModel } from '../../../model/load.ts';
import {
  discardFresh,
  findServing,
  type ModelsFolder,
  openModelsFolder,
  promoteFresh,
  rejectFresh,
} from '../../../model/promotion.ts';
import { loadTestedModel } from '../../../online/test-expansion.ts';
import { type Comparison, compareModels } from '../../../training/evaluation/evaluate.ts';
import { HELD_OUT } from '../../../training/history/served-campaigns.ts';
import { type CommonTrainOptions, openDevice, prepareFromService, settingsOf, trainReported } from './run.ts';

export interface RetrainCommandOptions extends CommonTrainOptions {
  dataDir: string;
  population: string;
  models: string;
  /** The serving model; by default, the current model of the folder. */
  model?: string;
  json?: boolean;
}

const TRAINING_LOCK = 'training.lock';
/** Exit code if the serving model stays current. */
const NOT_PROMOTED = 3;

/** Minimum number of train campaigns, not counting held-out campaigns. */
const LEAST_TRAINED = 5;

/**
 * Trains on all but the newest campaigns of a service, compares the new model with the serving model on the newest
 * campaigns, and makes the new model current unless it is worse. Exit code 0: promoted; 3: not promoted; 130:
 * interrupted by Ctrl-C.
 */
export async function retrainCommand(options: RetrainCommandOptions, output: Output): Promise<void> {
  const models = openModelsFolder(options.models);
  const unlock = lockTraining(models.path);
  try {
    const decision = await retrain(options, models, output);
    output.result(options.json ? JSON.stringify(decision) : describeDecision(decision, options.dataDir));
    if (!decision.promoted) process.exitCode = decision.reason === 'interrupted' ? 130 : NOT_PROMOTED;
  } finally {
    unlock();
  }
}

/**
 * Locks the folder, so that only one training run at a time writes to it. @throws AppError unavailable, storage_failed
 */
function lockTraining(models: string): () => void {
  const unlock = tryFileLock(join(models, TRAINING_LOCK));
  if (unlock === null)
    throw new AppError('unavailable', `another training run is using ${models}: try again when that run has ended`);
  return unlock;
}

async function retrain(options: RetrainCommandOptions, models: ModelsFolder, output: Output): Promise<Decision> {
  const device = await openDevice(options, output);
  const settings = settingsOf(options);
  const serving = await loadModel(findServing(models, options.model), { device });
  const earlierDrift = serving.manifest.drift;
  const least = HELD_OUT.least + LEAST_TRAINED;
  const { prepared, testedAt } = await prepareFromService(
    options,
    { seed: settings.seed, maximumTokens: options.maximumTokens, least, test: true, earlierDrift },
    output,
  );
  const result = await trainReported(
    prepared,
    { ...options, out: models.fresh, earlierDrift },
    { settings, device },
    output,
  );
  const held = testedAt.length;
  const facts = {
    serving: { path: serving.folder.path, version: serving.manifest.version },
    trained_on: prepared.history.campaigns.length - held,
    held_out: held,
    known_to_serving: countKnown(serving, testedAt),
  };
  if (result.interrupted) return { ...facts, promoted: false, reason: 'interrupted', fresh: null, comparison: null };
  const { version } = result.manifest;
  if (version === serving.manifest.version) {
    discardFresh(models);
    return { ...facts, promoted: false, reason: 'unchanged', fresh: null, comparison: null };
  }
  const { model: fresh } = await loadTestedModel(models.fresh, { device });
  let done = 0;
  const comparison = await compareModels(
    prepared,
    { serving, fresh },
    {
      repeats: 1,
      seed: settings.seed,
      device,
      onDone: () => output.progress(`${bar(++done / (2 * held))} comparing on ${held} campaigns`),
    },
  );
  const promoted = !comparison.isWorse;
  return {
    ...facts,
    promoted,
    reason: promoted ? 'not_worse' : 'worse',
    fresh: { path: promoted ? promoteFresh(models, version) : rejectFresh(models), version },
    comparison,
  };
}

/** The number of campaigns that the model was trained on, according to its manifest. */
function countKnown({ manifest }: GeneralModel, times: readonly number[]): number {
  const until = Date.parse(String(manifest.training?.['campaigns_until']));
  return times.filter((time) => time <= until).length;
}

interface Decision {
  readonly promoted: boolean;
  readonly reason: 'not_worse' | 'worse' | 'unchanged' | 'interrupted';
  readonly serving: { readonly path: string; readonly version: string };
  /** The new model; null if training was interrupted or its result equals the serving model. */
  readonly fresh: { readonly path: string; readonly version: string } | null;
  readonly trained_on: number;
  readonly held_out: number;
  /** Number of held-out campaigns that the serving model was trained on, which gives it an advantage. */
  readonly known_to_serving: number;
  /** The comparison of the new model with the serving model; null if there was no comparison. */
  readonly comparison: Comparison | null;
}

/** `dataDir` is the data folder of the service whose campaigns were used. */
export function describeDecision(decision: Decision, dataDir: string): string {
  const { serving, fresh, trained_on, held_out, known_to_serving, comparison } = decision;
  const lines = [`trained on ${trained_on} campaigns; the newest ${held_out} are held out`];
  if (known_to_serving > 0)
    lines.push(
      `the serving model was trained on ${known_to_serving} held-out campaigns, which favours the serving model`,
    );
  if (comparison) {
    const { auc, precision } = comparison.difference;
    lines.push(
      `serving ${serving.version}: AUC ${comparison.serving.auc.toFixed(4)}, ` +
        `precision@5% ${comparison.serving.precision.toFixed(3)}`,
      `new     ${fresh!.version}: AUC ${comparison.fresh.auc.toFixed(4)}, ` +
        `precision@5% ${comparison.fresh.precision.toFixed(3)}`,
      `difference between the new and the serving model per campaign [95 % interval]: AUC ${signedInterval(auc, 4)}, ` +
        `precision@5% ${signedInterval(precision['0.05']!, 3)}`,
    );
  }
  return [...lines, ...verdict(decision, dataDir)].join('\n');
}

function verdict({ reason, serving, fresh }: Decision, dataDir: string): string[] {
  switch (reason) {
    case 'not_worse':
      return [
        `promoted: ${fresh!.path} is not worse; a service will serve it after its next restart, or at once after`,
        `  metaheac model promote ${fresh!.path} --data-dir ${dataDir} --url http://127.0.0.1:8080`,
      ];
    case 'worse':
      return [`not promoted: the new model, in ${fresh!.path}, is worse, so ${serving.path} stays current`];
    case 'unchanged':
      return [`not promoted: the new model equals the serving model, ${serving.path}`];
    case 'interrupted':
      return [`not promoted: training was interrupted, so ${serving.path} stays current`];
  }
}
