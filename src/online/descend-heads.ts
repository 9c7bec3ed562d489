/**
 * Gradient descent on the heads, in two passes, and the negatives of its steps. The first pass finds likely hidden
 * members, and the second pass excludes them from the negatives.
 */

import type { HeadRun } from '../../packages/onnx-grad/index.ts';
import { type Rng, Sampler, sample } from '../lib/rng.ts';
import type { DescentSettings } from '../model/manifest.ts';
import { cutTop, type HeadRows, lossWeights } from './head-users.ts';
import { matchNegatives, type Sides, withMeanOne } from './negatives.ts';

/**
 * Maximum number of seeds in one step. With more seeds, each step draws its own: the gradient of 500 seeds and their
 * negatives is as good a direction, at a fraction of the cost.
 */
const STEP_SEEDS = 500;
const NO_ROWS = new Int32Array(0);

/** The number of descent steps for `seeds` seeds. */
export function stepsFor({ steps }: DescentSettings, seeds: number): number {
  return Math.min(Math.max(Math.round(steps.at_50_seeds * (seeds / 50) ** steps.exponent), 1), steps.maximum);
}

/** Runs both passes from the start. */
export async function descendHeads(run: HeadRun, settings: DescentSettings, rows: HeadRows, rng: Rng): Promise<void> {
  const { positives, pool, outside } = rows;
  run.reset();
  let left = rows;
  const first = settings.first_pass;
  if (first) {
    await descend(run, first.steps, rows, settings, rng.fork('first'));
    const scores = await run.scores();
    left = {
      ...rows,
      pool: cutTop(pool, first.cut, scores),
      outside: outside ? { ...outside, pool: cutTop(outside.pool, first.cut, scores) } : null,
    };
    run.reset();
  }
  await descend(run, stepsFor(settings, positives.length), left, settings, rng.fork('second'));
}

/**
 * Returns the number of negatives to sample in each step, and the negatives that every step includes. If all seeds fit
 * the filters, so do all negatives.
 */
export function negativesFor(
  settings: DescentSettings,
  { positives, pool, always = NO_ROWS, outside }: HeadRows,
): { readonly counts: Sides<number>; readonly always: Int32Array } {
  const share = outside ? outside.positives / positives.length : 0;
  const alwaysOutside = share > 0 ? outside!.always : NO_ROWS;
  const counts = matchNegatives(
    Math.round(positives.length * settings.negatives_per_seed),
    share,
    { inside: pool.length, outside: share > 0 ? outside!.pool.length : 0 },
    { inside: always.length, outside: alwaysOutside.length },
  );
  return { counts, always: alwaysOutside.length === 0 ? always : Int32Array.from([...always, ...alwaysOutside]) };
}

/** The negatives from which each step draws a sample. */
export function negativesOf({ pool, outside }: HeadRows): { draw(rng: Rng, counts: Sides<number>): Int32Array } {
  const inside = new Sampler(pool);
  const others = outside && new Sampler(outside.pool);
  return {
    draw(rng, counts) {
      const drawn = inside.draw(rng, counts.inside);
      return counts.outside === 0 ? drawn : Int32Array.from([...drawn, ...others!.draw(rng, counts.outside)]);
    },
  };
}

/** Runs steps of gradient descent. Each step learns from a new sample of the negatives, and of many seeds. */
async function descend(
  run: HeadRun,
  steps: number,
  rows: HeadRows,
  settings: DescentSettings,
  rng: Rng,
): Promise<void> {
  const negatives = negativesOf(rows);
  for (let step = 0; step < steps; step++) {
    const part = stepRows(rows, rng);
    const { positives } = part;
    const { counts, always } = negativesFor(settings, part);
    const sampled = negatives.draw(rng, counts);
    const batch = new Int32Array(positives.length + sampled.length + always.length);
    batch.set(positives);
    batch.set(sampled, positives.length);
    batch.set(always, positives.length + sampled.length);
    const labels = new Float32Array(batch.length).fill(1, 0, positives.length);
    // the weighted mean, so that a large weight of negatives does not lengthen the steps
    const weights = lossWeights(part, sampled.length, always.length);
    await run.step(batch, labels, settings.rates, weights && withMeanOne(weights));
  }
}

/** The seeds and dismissed users of one step; with more than `STEP_SEEDS` seeds, the same share of each group. */
function stepRows(rows: HeadRows, rng: Rng): HeadRows {
  const { positives, always = NO_ROWS, outside = null } = rows;
  const share = STEP_SEEDS / positives.length;
  if (share >= 1) return rows;
  const partOf = (own: Int32Array) => sample(rng, own, Math.round(share * own.length));
  return {
    ...rows,
    positives: partOf(positives),
    always: partOf(always),
    outside: outside && { ...outside, positives: share * outside.positives, always: partOf(outside.always) },
  };
}
