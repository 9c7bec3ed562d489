/** Trains a model for a data set that comes without one: as many steps as fit into a few minutes on this machine. */
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { openTrainingWorkspace } from '../../offline/past-campaigns-choice.ts';
import { DEFAULT_TRAIN_SETTINGS, type TrainSettings } from '../../offline/settings.ts';
import { train } from '../../offline/train.ts';
import type { Workspace } from '../../offline/workspace.ts';
import { type Device, parseDevice, resolveDevice } from '../../runtime/session.ts';
import { defaultTrainingThreads } from '../environment.ts';
import { bar, type Output } from '../output.ts';

/** What training should take. */
export const TRAINING_BUDGET_MS = 180_000;
/** Steps whose time is taken before. */
const TIMED_STEPS = 5;
/** A demo's training is shorter than a real one, and steps are whole multiples of the validation's. */
const STEPS = { fewest: 25, most: 300, multiple: 25 } as const;

/** Writes a model folder inside `folder` and returns its path. Says before how long it will take. */
export async function trainModel(
  data: string,
  folder: string,
  { budgetMs, clock, output }: { readonly budgetMs: number; readonly clock: Clock; readonly output: Output },
): Promise<string> {
  const device = await resolveDevice(parseDevice('auto'));
  const workspace = await openTrainingWorkspace(data, {
    pastCampaigns: 'auto',
    seed: DEFAULT_TRAIN_SETTINGS.seed,
    onProgress: (users) => output.progress(`reading ${data}: ${users} users`),
  });
  try {
    output.progress(`timing ${TIMED_STEPS} steps of training`);
    const stepMs = await timeSteps(workspace, device, join(folder, 'timed'), clock);
    const fitting = Math.floor(budgetMs / stepMs / STEPS.multiple) * STEPS.multiple;
    const steps = Math.min(Math.max(fitting, STEPS.fewest), STEPS.most);
    const seconds = Math.ceil((steps * stepMs) / 1000);
    output.result(`Training a model first: ${steps} steps, about ${seconds} s on ${device.detail}.`);
    const out = join(folder, 'model');
    const { manifest } = await train(workspace, {
      ...options(out, { ...DEFAULT_TRAIN_SETTINGS, name: 'demo-trained', steps }, device, clock),
      onProgress: ({ step, loss, best }) => {
        const auc = best ? `  held-out AUC ${best.auc.toFixed(4)}` : '';
        output.progress(`${bar(step / steps)} step ${step}/${steps}  loss ${loss.toFixed(4)}${auc}`);
      },
    });
    const auc = manifest.evaluation?.groups['all']?.auc.mean;
    output.result(`Model ${manifest.version}${auc === undefined ? '' : `, held-out AUC ${auc.toFixed(3)}`}.`);
    return out;
  } finally {
    workspace.close();
  }
}

/** Milliseconds of one step. The first step also opens the sessions, and the last one validates: they are left out. */
async function timeSteps(workspace: Workspace, device: Device, out: string, clock: Clock): Promise<number> {
  const times: number[] = [];
  const settings = { ...DEFAULT_TRAIN_SETTINGS, steps: TIMED_STEPS, validationShare: 0 };
  await train(workspace, {
    ...options(out, settings, device, clock),
    onProgress: () => times.push(clock.elapsed()),
  });
  return (times[TIMED_STEPS - 2]! - times[0]!) / (TIMED_STEPS - 2);
}

function options(out: string, settings: TrainSettings, device: Device, clock: Clock) {
  const threads = defaultTrainingThreads(device);
  return { out, settings, device, clock, threads, resume: false, signal: new AbortController().signal };
}
