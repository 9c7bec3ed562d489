/** The online stage by gradient descent on the heads: one pass finds likely hidden members, the next leaves them out of the negatives. */

import { createRng, type Rng, sampleWithoutReplacement } from '../lib/rng.ts';
import { sliceFeeds } from '../model/feed-rows.ts';
import type { HeadProgram, HeadRun } from '../model/head-adaptation.ts';
import type { DescentSettings } from '../model/manifest.ts';
import type { CustomisedModel, CustomiseRequest, OnlineContext } from './customise.ts';
import { encodeCampaign, encodeUsers } from './encode.ts';
import { predict } from './prediction.ts';
import { reportRanks } from './quality.ts';
import { crossFit, type SeedRanks } from './seed-ranks.ts';

/** Negatives are drawn from at most this many candidates, themselves drawn once; more where there are many seeds. */
export const POOL_ROWS = 20_000;
/** Share of the work that is done when the seeds are ranked: five runs of six. */
const CROSS_FITTED = 5 / 6;

/** Steps for `seeds` seeds. */
export function stepsFor({ steps }: DescentSettings, seeds: number): number {
  return Math.min(Math.max(Math.round(steps.at_50_seeds * (seeds / 50) ** steps.exponent), 1), steps.maximum);
}

export async function customiseHeads(
  context: OnlineContext,
  program: HeadProgram,
  settings: DescentSettings,
  request: CustomiseRequest,
): Promise<CustomisedModel> {
  const rng = createRng(request.key);
  const { seeds, candidates } = request;
  const poolSize = Math.max(POOL_ROWS, Math.round(seeds.length * settings.negatives_per_seed));
  const drawn =
    candidates.length <= poolSize
      ? candidates
      : sampleWithoutReplacement(rng.fork('pool'), candidates.length, poolSize)
          .map((i) => candidates[i]!)
          .sort();
  // rows of the frontier: the seeds, then the pool, then ranked rows that are not in it
  const rows = Int32Array.from(
    new Set([...seeds, ...drawn, ...(request.withoutQuality ? [] : (request.ranked ?? []))]),
  );
  const run = await startHeads(context, program, rows, request);
  const positives = Int32Array.from(seeds.keys());
  const pool = Int32Array.from({ length: drawn.length }, (_, i) => seeds.length + i);

  let ranks: SeedRanks | null = null;
  if (!request.withoutQuality) {
    const places = new Map(Array.from(rows, (row, place) => [row, place]));
    const ranked = request.ranked ? request.ranked.map((row) => places.get(row)!) : pool;
    // a held-out seed is treated as hidden members are: it is in the pool of negatives with the same chance
    const chance = drawn.length / candidates.length;
    ranks = await crossFit(
      seeds.length,
      ranked,
      rng.fork('cross-fit'),
      (learning, held, draws) => {
        const hidden = held.filter(() => draws.uniform() < chance);
        return adaptHeads(run, settings, learning, Int32Array.from([...hidden, ...pool]), draws);
      },
      (share) => request.onProgress?.(share * CROSS_FITTED),
    );
  }
  await adaptHeads(run, settings, positives, pool, rng.fork('final'), false);
  request.onProgress?.(1);
  return {
    parameters: run.parameters(),
    epochs: stepsFor(settings, seeds.length),
    quality: ranks && reportRanks(ranks),
    prediction: request.withoutQuality ? null : predict(ranks, seeds.length),
  };
}

/** A run at the start, on `rows` of the population: its rows are theirs, in their order. */
export async function startHeads(
  { model, population, binding, parameters = model.graph.initializers }: OnlineContext,
  program: HeadProgram,
  rows: Int32Array,
  { features, without = null }: Pick<CustomiseRequest, 'features' | 'without'>,
): Promise<HeadRun> {
  const users = encodeUsers(model.graph, binding, population.readRows(rows), { without });
  const frontier = await program.frontier(parameters, rows.length, (from, to) => ({
    ...sliceFeeds(users, from, to),
    ...encodeCampaign(model.graph, model.folder, features, to - from),
  }));
  return program.start(parameters, frontier);
}

/** Both passes and the companion, from the start; the scores of all rows where they are asked for. */
export async function adaptHeads(
  run: HeadRun,
  settings: DescentSettings,
  positives: Int32Array,
  pool: Int32Array,
  rng: Rng,
  wantScores = true,
): Promise<Float32Array> {
  run.reset();
  let negatives = pool;
  const first = settings.first_pass;
  if (first) {
    await descend(run, first.steps, positives, pool, settings, rng.fork('first'));
    const scores = await run.scores();
    const sorted = pool.slice().sort((a, b) => scores[b]! - scores[a]! || a - b);
    negatives = sorted
      .subarray(Math.floor(first.cut * sorted.length))
      .slice()
      .sort();
    run.reset();
  }
  await descend(run, stepsFor(settings, positives.length), positives, negatives, settings, rng.fork('second'));
  if (settings.companion) {
    const drawn = sampleWithoutReplacement(rng.fork('companion'), pool.length, negativesFor(settings, positives, pool));
    const rows = Int32Array.from([...positives, ...drawn.map((i) => pool[i]!)]);
    const labels = new Uint8Array(rows.length).fill(1, 0, positives.length);
    await run.addCompanion(rows, labels, settings.companion, pool);
  }
  return wantScores ? run.scores() : new Float32Array(0);
}

function negativesFor(settings: DescentSettings, positives: Int32Array, pool: Int32Array): number {
  return Math.min(pool.length, Math.round(positives.length * settings.negatives_per_seed));
}

async function descend(
  run: HeadRun,
  steps: number,
  positives: Int32Array,
  pool: Int32Array,
  settings: DescentSettings,
  rng: Rng,
): Promise<void> {
  const count = negativesFor(settings, positives, pool);
  const rows = new Int32Array(positives.length + count);
  const labels = new Float32Array(rows.length).fill(1, 0, positives.length);
  rows.set(positives);
  for (let step = 0; step < steps; step++) {
    const drawn = sampleWithoutReplacement(rng, pool.length, count);
    for (let i = 0; i < count; i++) rows[positives.length + i] = pool[drawn[i]!]!;
    await run.step(rows, labels, settings.rates);
  }
}
