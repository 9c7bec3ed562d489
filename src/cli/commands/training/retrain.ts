/** `metaheac retrain`. */
import { join } from 'node:path';
import { AppError } from '../../../lib/errors.ts';
import { tryFileLock } from '../../../lib/files/file-lock.ts';
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
import { compareModels } from '../../../training/evaluation/compare-models.ts';
import { HELD_OUT } from '../../../training/history/served-campaigns.ts';
import { type Decision, describeDecision } from './retrain-report.ts';
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
