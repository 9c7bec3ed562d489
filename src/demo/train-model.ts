/** Trains a model for a data set that has no model, with as many steps as fit into a few minutes on this machine. */
import { join } from 'node:path';
import type { Device } from '../../packages/onnx-grad/index.ts';
import type { Clock } from '../lib/clock.ts';
import { bar, type Output } from '../lib/output.ts';
import { openDevice } from '../model/onnx-grad.ts';
import { prepareTrainingData } from '../training/choices/past-campaigns-choice.ts';
import type { PreparedDataSet } from '../training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS, type TrainSettings } from '../training/settings.ts';
import { train } from '../training/train.ts';

/** Target duration of the training. */
export const TRAINING_BUDGET_MS = 180_000;
/** Number of steps that are timed before the training. */
const TIMED_STEPS = 5;
/**
 * Limits on the number of training steps. The demo's training is shorter than normal training, and its number of steps
 * is a multiple of the validation interval.
 */
const STEPS = { fewest: 25, most: 300, multiple: 25 } as const;

export interface DemoTraining {
  readonly budgetMs: number;
  readonly clock: Clock;
  readonly output: Output;
  /** Returns the number of training threads for a device. */
  threadsOn(device: Device): number;
}

/**
 * Trains a model, writes its folder inside `folder`, and returns the path. First announces how long training will take.
 */
export async function trainModel(
  data: string,
  folder: string,
  { budgetMs, clock, output, threadsOn }: DemoTraining,
): Promise<string> {
  const device = await openDevice('auto');
  const common = { device, clock, threads: threadsOn(device) };
  const prepared = await prepareTrainingData(data, {
    pastCampaigns: 'auto',
    seed: DEFAULT_TRAIN_SETTINGS.seed,
    onProgress: (users) => output.progress(`reading ${data}: ${users} users`),
  });
  try {
    output.progress(`timing ${TIMED_STEPS} steps of training`);
    const stepMs = await timeSteps(prepared, join(folder, 'timed'), common);
    const fitting = Math.floor(budgetMs / stepMs / STEPS.multiple) * STEPS.multiple;
    const steps = Math.min(Math.max(fitting, STEPS.fewest), STEPS.most);
    const seconds = Math.ceil((steps * stepMs) / 1000);
    output.result(`Training a model first: ${steps} steps, about ${seconds} s on ${device.detail}.`);
    const out = join(folder, 'model');
    const { manifest } = await train(prepared, {
      ...options(out, { ...DEFAULT_TRAIN_SETTINGS, name: 'demo-trained', steps }, common),
      onProgress: ({ step, loss, best }) => {
        const auc = best ? `  held-out AUC ${best.auc.toFixed(4)}` : '';
        output.progress(`${bar(step / steps)} step ${step}/${steps}  loss ${loss.toFixed(4)}${auc}`);
      },
    });
    const auc = manifest.evaluation?.groups['all']?.auc.mean;
    output.result(`Model ${manifest.version}${auc === undefined ? '' : `, held-out AUC ${auc.toFixed(3)}`}.`);
    return out;
  } finally {
    prepared.close();
  }
}

/**
 * Measures the milliseconds per step. The first step also opens the sessions, and the last step validates, so both are
 * left out.
 */
async function timeSteps(prepared: PreparedDataSet, out: string, common: Common): Promise<number> {
  const times: number[] = [];
  const settings = { ...DEFAULT_TRAIN_SETTINGS, steps: TIMED_STEPS, validationShare: 0 };
  await train(prepared, {
    ...options(out, settings, common),
    onProgress: () => times.push(common.clock.elapsed()),
  });
  return (times[TIMED_STEPS - 2]! - times[0]!) / (TIMED_STEPS - 2);
}

interface Common {
  readonly device: Device;
  readonly clock: Clock;
  readonly threads: number;
}

function options(out: string, settings: TrainSettings, common: Common) {
  return { out, settings, ...common, resume: false, signal: new AbortController().signal };
}
