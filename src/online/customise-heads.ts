/**
 * The online stage by gradient descent on the heads: one pass finds likely hidden members, the next excludes them from
 * the negatives.
 */

import type { BlendedPart, HeadProgram, HeadRun, LogitPart } from '../adaptation/head-adaptation.ts';
import { assert } from '../lib/errors.ts';
import { createRng, type Rng, sample } from '../lib/rng.ts';
import type { DescentSettings } from '../model/manifest.ts';
import { sliceFeeds } from '../runtime/feed-rows.ts';
import type { CampaignRegression } from './bound-regression.ts';
import type { CustomisedModel, CustomiseRequest, OnlineContext } from './customise.ts';
import { encodeCampaign, encodeUsers } from './encode.ts';
import { predict } from './prediction.ts';
import { reportRanks } from './quality.ts';
import { crossFit, type SeedRanks } from './seed-ranks.ts';

/** Negatives are sampled from at most this many candidates, themselves sampled once; more if there are many seeds. */
export const POOL_ROWS = 20_000;
/**
 * The heads learn from at most this many seeds, sampled once: more would change less than another sample of negatives.
 */
const MOST_SEEDS = 2000;
/** Dismissed users are negatives of every step, at most this many of them, sampled once. */
const MOST_DISMISSED = 2000;
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
  const { candidates } = request;
  const seeds = sampleOf(request.seeds, MOST_SEEDS, rng.fork('seeds'));
  const poolSize = Math.max(request.poolRows ?? POOL_ROWS, Math.round(seeds.length * settings.negatives_per_seed));
  const sampled = sampleOf(candidates, poolSize, rng.fork('pool'));
  const dismissed = sampleOf(request.dismissed ?? new Int32Array(0), MOST_DISMISSED, rng.fork('dismissed'));
  // rows of the boundary: the seeds, then the pool, then ranked and dismissed rows that are not in it
  const rows = Int32Array.from(
    new Set([...seeds, ...sampled, ...(request.withoutQuality ? [] : (request.ranked ?? [])), ...dismissed]),
  );
  const places = new Map(Array.from(rows, (row, place) => [row, place]));
  const always = dismissed.map((row) => places.get(row)!);
  const started = await startHeads(context, program, rows, request);
  const positives = Int32Array.from(seeds.keys());
  const pool = Int32Array.from({ length: sampled.length }, (_, i) => seeds.length + i);

  await adaptHeads(started, settings, { positives, pool, always }, rng.fork('final'), false);
  const parameters = started.run.parameters();
  request.onProgress?.(1);
  request.onParameters?.(parameters);

  let ranks: SeedRanks | null = null;
  if (!request.withoutQuality) {
    const ranked = request.ranked ? request.ranked.map((row) => places.get(row)!) : pool;
    // a held-out seed is treated like a hidden member: it is in the pool of negatives with the same probability
    const chance = sampled.length / candidates.length;
    ranks = await crossFit(
      seeds.length,
      ranked,
      rng.fork('cross-fit'),
      (learning, held, draws) => {
        const hidden = held.filter(() => draws.uniform() < chance);
        return adaptHeads(
          started,
          settings,
          { positives: learning, pool: Int32Array.from([...hidden, ...pool]), always },
          draws,
        );
      },
      (share) => request.onProgress?.(share),
    );
  }
  return {
    parameters,
    epochs: stepsFor(settings, seeds.length),
    quality: ranks && reportRanks(ranks),
    prediction: request.withoutQuality ? null : predict(ranks, request.seeds.length),
  };
}

/** At most `most` of the ascending `rows`, in the same order. */
function sampleOf(rows: Int32Array, most: number, rng: Rng): Int32Array {
  return rows.length <= most ? rows : sample(rng, rows, most).sort();
}

/** Users on whom heads are adapted. */
export interface StartedHeads {
  readonly run: HeadRun;
  /** Of the same users; null if the model has no whole-population regression. */
  readonly regression: CampaignRegression | null;
}

/** A run at the start on `rows` of the population, in their order. */
export async function startHeads(
  { model, population, binding, regression, parameters = model.graph.initializers }: OnlineContext,
  program: HeadProgram,
  rows: Int32Array,
  { features, without = null }: Pick<CustomiseRequest, 'features' | 'without'>,
): Promise<StartedHeads> {
  const users = encodeUsers(model.graph, binding, population.readRows(rows), { without });
  const boundary = await program.boundary(parameters, rows.length, (from, to) => ({
    ...sliceFeeds(users, from, to),
    ...encodeCampaign(model.graph, model.folder, features, to - from),
  }));
  return {
    run: await program.start(parameters, boundary),
    regression: regression ? await regression.forUsers(users, rows.length, without) : null,
  };
}

/** What heads learn from: positions among the run's rows. */
export interface HeadRows {
  readonly positives: Int32Array;
  /** Negatives are sampled from these. */
  readonly pool: Int32Array;
  /** Negatives of every step. */
  readonly always?: Int32Array;
}

/**
 * Both passes, the logistic and the population regression, from the start; and on request the scores of all rows.
 */
export async function adaptHeads(
  started: StartedHeads,
  settings: DescentSettings,
  rows: HeadRows,
  rng: Rng,
  wantScores = true,
): Promise<Float32Array> {
  await descendHeads(started, settings, rows, rng);
  await blendParts(started, settings, fitParts(started, settings, rows, rng), rows);
  return wantScores ? started.run.scores() : new Float32Array(0);
}

/** Both passes from the start. */
export async function descendHeads(
  { run }: StartedHeads,
  settings: DescentSettings,
  rows: HeadRows,
  rng: Rng,
): Promise<void> {
  const { positives, pool } = rows;
  run.reset();
  let negatives = pool;
  const first = settings.first_pass;
  if (first) {
    await descend(run, first.steps, rows, settings, rng.fork('first'));
    const scores = await run.scores();
    const sorted = pool.slice().sort((a, b) => scores[b]! - scores[a]! || a - b);
    negatives = sorted
      .subarray(Math.floor(first.cut * sorted.length))
      .slice()
      .sort();
    run.reset();
  }
  await descend(run, stepsFor(settings, positives.length), { ...rows, pool: negatives }, settings, rng.fork('second'));
}

/** The parts added to the logits after the passes; they do not depend on them. */
export interface HeadParts {
  readonly companion: LogitPart | null;
  readonly regression: LogitPart | null;
}

export function fitParts(
  { run, regression }: StartedHeads,
  settings: DescentSettings,
  { positives, pool, always = new Int32Array(0) }: HeadRows,
  rng: Rng,
): HeadParts {
  const parts: { companion: LogitPart | null; regression: LogitPart | null } = { companion: null, regression: null };
  if (settings.companion) {
    const sampled = sample(rng.fork('companion'), pool, negativesFor(settings, positives, pool));
    const learned = Int32Array.from([...positives, ...sampled, ...always]);
    const labels = new Uint8Array(learned.length).fill(1, 0, positives.length);
    parts.companion = run.fitLogistic(learned, labels, settings.companion.strengths);
  }
  if (settings.regression) {
    assert(regression, 'the model has a regression, but the population was not read for it');
    parts.regression = run.linear(regression.fit(positives, settings.regression));
  }
  return parts;
}

export async function blendParts(
  { run }: StartedHeads,
  settings: DescentSettings,
  parts: HeadParts,
  { pool }: HeadRows,
): Promise<void> {
  const blended = (['companion', 'regression'] as const).flatMap((name): BlendedPart[] => {
    const part = parts[name];
    return part ? [{ part, weight: settings[name]!.weight }] : [];
  });
  if (blended.length > 0) await run.blend(blended, pool);
}

function negativesFor(settings: DescentSettings, positives: Int32Array, pool: Int32Array): number {
  return Math.min(pool.length, Math.round(positives.length * settings.negatives_per_seed));
}

async function descend(
  run: HeadRun,
  steps: number,
  { positives, pool, always = new Int32Array(0) }: HeadRows,
  settings: DescentSettings,
  rng: Rng,
): Promise<void> {
  const count = negativesFor(settings, positives, pool);
  const rows = new Int32Array(positives.length + count + always.length);
  const labels = new Float32Array(rows.length).fill(1, 0, positives.length);
  rows.set(positives);
  rows.set(always, positives.length + count);
  for (let step = 0; step < steps; step++) {
    rows.set(sample(rng, pool, count), positives.length);
    await run.step(rows, labels, settings.rates);
  }
}
