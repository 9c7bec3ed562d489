/**
 * The loop of meta-training. Each step samples tasks, computes their gradients, and takes one step of the outer
 * optimiser.
 */

import type { Adam } from '../../../packages/onnx-grad/index.ts';
import { createRng, type Rng, shuffle } from '../../lib/rng.ts';
import type { CampaignHistory } from '../history/history.ts';
import { RECIPES } from '../recipe.ts';
import type { TrainSettings } from '../settings.ts';
import type { Task } from './learner.ts';
import type { Learners } from './learners.ts';
import { addGradient } from './meta-step.ts';

export interface MetaTraining {
  readonly learners: Learners;
  readonly settings: TrainSettings;
  readonly optimiser: Adam;
  /** The campaigns whose tasks are sampled. */
  readonly on: readonly CampaignHistory[];
  /** Future campaigns, whose tokens no user has. */
  readonly future: readonly string[];
  /** Key of all random numbers. Each step derives its own random numbers, so that training can resume after a crash. */
  readonly key: string;
  /** Ends the loop after the current step. */
  readonly signal: AbortSignal;
  isOver(step: number): boolean;
  /** Called after each step with the mean query loss of the step's tasks. */
  onStep(step: number, loss: number): Promise<void>;
}

/**
 * Continues from the optimiser's current step. Returns true if training finished, and false if the signal ended
 * training.
 */
export async function metaTrain(training: MetaTraining): Promise<boolean> {
  const { learners, settings, optimiser, on, signal } = training;
  const recipe = RECIPES[settings.recipe];
  const rng = createRng(training.key);
  const { gradients } = optimiser;
  while (!training.isOver(optimiser.steps)) {
    if (signal.aborted) return false;
    const step = optimiser.steps;
    let loss = 0;
    const sampled = tasksOf(rng, step, on.length, settings.taskCount);
    const tasks = sampled.flatMap((task, i): Task[] => {
      const campaign = on[task]!;
      const episode = recipe.sampleEpisode(rng.fork(`step/${step}/${i}`), campaign, settings);
      return episode ? [{ campaign: campaign.id, future: training.future, ...episode }] : [];
    });
    for (const gradient of await learners.gradients(optimiser.parameters, tasks)) {
      loss += gradient.loss / sampled.length;
      addGradient(gradients, gradient, 1 / sampled.length);
    }
    for (const name of settings.frozen) gradients.get(name)?.fill(0);
    optimiser.step(settings.outerRate);
    await training.onStep(optimiser.steps, loss);
  }
  return true;
}

/**
 * The campaigns of a step. Training passes over all campaigns, in a new random order each time. The step number alone
 * determines the campaigns, so that training can resume after a crash.
 */
function tasksOf(rng: Rng, step: number, campaigns: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const position = step * count + i;
    const order = Int32Array.from({ length: campaigns }, (__, j) => j);
    shuffle(rng.fork(`pass/${Math.floor(position / campaigns)}`), order);
    return order[position % campaigns]!;
  });
}
