/**
 * Code that `train` and `retrain` share: settings from options, the campaigns of a service, and the training run with
 * its notes.
 */

import type { Device } from '../../../../packages/onnx-grad/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { bar, type Output } from '../../../lib/output.ts';
import { counted } from '../../../lib/text/counted.ts';
import type { Drift } from '../../../model/manifest.ts';
import { openDevice as openNamedDevice } from '../../../model/onnx-grad.ts';
import { defaultTrainingThreads } from '../../../service/settings/environment.ts';
import type { PreparedDataSet } from '../../../training/history/prepared-data-set.ts';
import { prepareServed, type ServedData } from '../../../training/history/served-campaigns.ts';
import {
  DEFAULT_TRAIN_SETTINGS,
  PUBLISHED_TRAIN_SETTINGS,
  type RecipeName,
  type TrainSettings,
} from '../../../training/settings.ts';
import { type TrainProgress, type TrainResult, train } from '../../../training/train.ts';
import { Heartbeat } from '../../heartbeat.ts';
import { describeBlend, describeChoice, describeDrift, describeTuned, describeUnmeasured } from './choices.ts';
import { readServiceCampaigns } from './service-campaigns.ts';

export interface CommonTrainOptions {
  name: string;
  maximumTokens: number;
  recipe?: string;
  taskCount?: number;
  numExpert?: number;
  numOutput?: number;
  batchsize?: number;
  seed?: number;
  embedding?: number;
  innerRate?: number;
  outerRate?: number;
  steps?: number;
  firstOrder?: boolean;
  resume?: boolean;
  threads?: number;
  device?: string;
  gpu?: number;
}

export async function openDevice({ device, gpu }: CommonTrainOptions, output: Output): Promise<Device> {
  const resolved = await openNamedDevice(gpu === undefined ? (device ?? 'auto') : `cuda:${gpu}`);
  output.note(`device: ${resolved.detail}`);
  return resolved;
}

/** Maximum time for the current step to complete after Ctrl-C; a longer step is abandoned. */
const FINISH_MS = 7_000;

/**
 * Trains a model, and prints notes on choices and progress. Ctrl-C ends training after the current step and keeps the
 * best model so far (exit code 130). If the step takes too long, the process ends and the checkpoint stays unchanged.
 */
export async function trainReported(
  prepared: PreparedDataSet,
  options: CommonTrainOptions & { readonly out: string; readonly earlierDrift?: Drift | undefined },
  { settings, device }: { readonly settings: TrainSettings; readonly device: Device },
  output: Output,
): Promise<TrainResult> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    if (interrupt.signal.aborted) return;
    output.note('interrupted: finishing the current step; the best model so far is kept');
    interrupt.abort();
    setTimeout(giveUp, FINISH_MS, output).unref();
  };
  // before this point there was no model to keep, and this thread was too busy fitting regressions to handle signals
  const keepFromNowOn = () => {
    // npm forwards Ctrl-C, so the signal may arrive twice
    if (!process.listeners('SIGINT').includes(onInterrupt)) process.on('SIGINT', onInterrupt);
  };
  const heartbeat = new Heartbeat(output, systemClock, 'comparing regressions');
  try {
    const result = await train(prepared, {
      out: options.out,
      settings,
      device,
      clock: systemClock,
      resume: options.resume ?? false,
      earlierDrift: options.earlierDrift,
      threads: options.threads ?? defaultTrainingThreads(device),
      signal: interrupt.signal,
      onProgress: (progress) => {
        keepFromNowOn();
        noteProgress(progress, output);
        heartbeat.next('comparing ways to adapt on held-out campaigns');
      },
      onTuned: (part, choice) => {
        if (part === 'logistic') keepFromNowOn();
        heartbeat.next(part === 'regression' ? 'comparing logistic regressions' : 'comparing ways to adapt');
        for (const line of describeTuned(part, choice)) output.note(line);
      },
      onChoice: (choice, on) => {
        for (const line of describeChoice(choice, on)) output.note(line);
      },
      onDrift: (drift) => {
        for (const line of describeDrift(drift)) output.note(line);
      },
    });
    for (const line of describeBlend(result.manifest.adaptation, result.blend)) output.note(line);
    return result;
  } finally {
    heartbeat.stop();
    process.off('SIGINT', onInterrupt);
  }
}

/**
 * Ends the process by the signal itself (exit code 130). `process.exit` would end threads while they run a model, which
 * aborts the process.
 */
function giveUp(output: Output): void {
  output.note('the current training step was abandoned: train again with --resume to continue from the checkpoint');
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}

/** Prepares the campaigns of a data folder for training, and reports how many campaigns are left out. */
export async function prepareFromService(
  { dataDir, population }: { readonly dataDir: string; readonly population: string },
  options: {
    readonly seed: number;
    readonly maximumTokens: number;
    readonly least: number;
    readonly test: boolean;
    /** Drift as measured for the serving model. */
    readonly earlierDrift?: Drift | undefined;
  },
  output: Output,
): Promise<ServedData> {
  let others = 0;
  const served = await prepareServed(
    population,
    async (users) => {
      const read = await readServiceCampaigns(dataDir, users);
      others = read.others;
      return read.campaigns;
    },
    { ...options, source: dataDir },
  );
  if (others > 0) output.note(`${counted(others, 'campaign')} left out because they have no seeds or no audience yet`);
  const { length } = served.tooSmall;
  if (length > 0)
    output.note(
      `${counted(length, 'campaign')} left out because too few known seeds or other users remain after filters and suppression`,
    );
  output.note(describeUnmeasured(options.earlierDrift));
  return served;
}

function noteProgress({ phase, step, steps, loss, validationAuc, best }: TrainProgress, output: Output): void {
  const on = phase === 'final' ? ' on all campaigns' : '';
  const line =
    `${bar(step / steps)} step ${step}/${steps}${on}  loss ` +
    `${loss.toFixed(4)}${best ? `  best AUC ${best.auc.toFixed(4)} at step ${best.step}` : ''}`;
  if (validationAuc === null) output.progress(line);
  else
    output.note(
      `step ${step}/${steps}  loss ${loss.toFixed(4)}  validation AUC ` +
        `${validationAuc.toFixed(4)}${best?.step === step ? '  (best so far)' : ''}`,
    );
}

/** Training settings: the recipe's defaults, overridden by the options. */
export function settingsOf(options: CommonTrainOptions): TrainSettings {
  const fallback = recipeOf(options) === 'published' ? PUBLISHED_TRAIN_SETTINGS : DEFAULT_TRAIN_SETTINGS;
  return {
    ...fallback,
    name: options.name,
    taskCount: options.taskCount ?? fallback.taskCount,
    experts: options.numExpert ?? fallback.experts,
    critics: options.numOutput ?? fallback.critics,
    batchSize: options.batchsize ?? fallback.batchSize,
    seed: options.seed ?? fallback.seed,
    embedding: options.embedding ?? fallback.embedding,
    innerRate: options.innerRate ?? fallback.innerRate,
    outerRate: options.outerRate ?? fallback.outerRate,
    steps: options.steps ?? fallback.steps,
    firstOrder: options.firstOrder ?? fallback.firstOrder,
  };
}

function recipeOf({ recipe = 'meta-heads' }: CommonTrainOptions): RecipeName {
  return recipe as RecipeName;
}
