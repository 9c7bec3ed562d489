/**
 * The online stage by gradient descent on the heads, and the regressions whose logits are blended with those of the
 * heads.
 */

import {
  type BlendedPart,
  type HeadProgram,
  type HeadRun,
  type LogitPart,
  sliceFeeds,
} from '../../packages/onnx-grad/index.ts';
import { assert } from '../lib/errors.ts';
import { createRng, type Rng } from '../lib/rng.ts';
import { blendOf, type ClosedForm, formsOf, hasOwnLogits, weightFor } from '../model/blend.ts';
import type { DescentSettings, Drift } from '../model/manifest.ts';
import { descendHeads, negativesFor, negativesOf, stepsFor } from './descend-heads.ts';
import { encodeCampaign, encodeUsers } from './encode.ts';
import { type HeadRows, type HeadUsers, headUsers, lossWeights, positiveWeights } from './head-users.ts';
import { countSeeds, without } from './negatives.ts';
import type { AnyContext, CustomisedModel, CustomiseRequest } from './online-context.ts';
import { predict } from './quality/prediction.ts';
import { reportRanks } from './quality/quality.ts';
import { type Fold, type FoldRanks, foldsOf, joinFolds, rankFolds, type SeedRanks } from './quality/seed-ranks.ts';
import type { CampaignRegression, MatchedUsers } from './regression/bound-regression.ts';

export async function customiseHeads(
  context: AnyContext,
  program: HeadProgram,
  settings: DescentSettings,
  request: CustomiseRequest,
): Promise<CustomisedModel> {
  const rng = createRng(request.key);
  const users = headUsers(request, settings, rng);
  const { positives, negatives } = users;
  const started = await startHeads(context, program, users.rows, request);
  request.onProgress?.(0);

  await adaptHeads(started, settings, { positives, ...negatives }, rng.fork('final'), false);
  const parameters = started.run.parameters();
  request.onProgress?.(1);
  request.onParameters?.(parameters);

  const folds = request.withoutQuality ? [] : await rankOn(started, settings, users, request);
  const ranks = joinFolds(folds);
  const isWhole = request.folds === undefined && !request.withoutQuality;
  return {
    parameters,
    epochs: hasOwnLogits(settings) ? stepsFor(settings, positives.length) : 0,
    ...(isWhole ? reportHeads(ranks, request, context.model.manifest.drift) : { quality: null, prediction: null }),
    ranks,
    folds,
  };
}

/** Ranks the held-out seeds of the requested folds, as `customiseHeads` does, without a customised model. */
export async function rankHeads(
  context: AnyContext,
  program: HeadProgram,
  settings: DescentSettings,
  request: CustomiseRequest,
): Promise<readonly FoldRanks[]> {
  const users = headUsers(request, settings, createRng(request.key));
  const started = await startHeads(context, program, users.rows, request);
  request.onProgress?.(0);
  return rankOn(started, settings, users, request);
}

/** The quality report and the prediction, from the ranks of all folds. */
export function reportHeads(
  ranks: SeedRanks | null,
  request: Pick<CustomiseRequest, 'seeds' | 'seedRows' | 'outside'>,
  drift: Drift | undefined,
): Pick<CustomisedModel, 'quality' | 'prediction'> {
  return { quality: ranks && reportRanks(ranks), prediction: predict(ranks, countSeeds(request), { drift }) };
}

/** Ranks the held-out seeds of the requested folds. */
async function rankOn(
  started: StartedHeads,
  settings: DescentSettings,
  users: HeadUsers,
  { key, candidates, folds: which, onProgress }: CustomiseRequest,
): Promise<readonly FoldRanks[]> {
  const folds = foldsWithRows(users, candidates.length, createRng(key).fork('cross-fit'));
  const wanted = folds.filter((_, part) => which?.includes(part) ?? true);
  prepareParts(
    started,
    formsOf(settings),
    wanted.map(({ rows }) => rows),
  );
  const { weights } = users.negatives;
  return rankFolds(folds, users.ranked, (fold, part) => adaptHeads(started, settings, folds[part]!.rows, fold.rng), {
    ...(which && { which }),
    ...(weights && { weights }),
    onPart: (share) => onProgress?.(share),
  });
}

/** The folds of the seeds, each with the rows to learn from; `candidates` is the number of candidates. */
function foldsWithRows(users: HeadUsers, candidates: number, rng: Rng): (Fold & { readonly rows: HeadRows })[] {
  const { positives, alwaysLearned, negatives, ranked } = users;
  if (ranked.length === 0) return [];
  // a held-out seed is treated like a hidden member, and is in the pool of negatives with the same probability
  const chance = negatives.pool.length / candidates;
  return foldsOf(without(positives, alwaysLearned), rng).map((fold) => {
    const hidden = fold.held.filter(() => fold.rng.uniform() < chance);
    const learned =
      alwaysLearned.length === 0 ? fold.learning : Int32Array.from([...fold.learning, ...alwaysLearned]).sort();
    const rows = { ...negatives, positives: learned, pool: Int32Array.from([...hidden, ...negatives.pool]) };
    return { ...fold, rows };
  });
}

/** The users on whom heads are adapted. */
export interface StartedHeads {
  readonly run: HeadRun;
  /** The regression for the users of `run`; null if the model has no regression. */
  readonly regression: CampaignRegression | null;
}

type StartOptions = Pick<CustomiseRequest, 'features' | 'without' | 'campaign' | 'body' | 'read' | 'onRows'>;

/** Prepares a run on `rows` of the population; the run keeps the order of the rows. */
export async function startHeads(
  { model, population, binding, regression, parameters = model.graph.initializers }: AnyContext,
  program: HeadProgram,
  rows: Int32Array,
  { features, without = null, campaign = null, body, read, onRows }: StartOptions,
): Promise<StartedHeads> {
  const given = read ?? population.readRows(rows);
  onRows?.(given);
  const users = encodeUsers(model.graph, binding, given, { without });
  const feedsOf = (from: number, to: number) => ({
    ...sliceFeeds(users, from, to),
    ...encodeCampaign(model.graph, model.folder, features, to - from),
  });
  const boundary = await program.boundary(parameters, rows.length, feedsOf, body);
  return {
    run: await program.start(parameters, boundary),
    regression: regression ? await regression.forUsers(users, rows.length, without, campaign) : null,
  };
}

/**
 * Runs both passes from the start, then fits the logistic and the population regression. Scores all rows if requested.
 */
export async function adaptHeads(
  started: StartedHeads,
  settings: DescentSettings,
  rows: HeadRows,
  rng: Rng,
  wantScores = true,
): Promise<Float32Array> {
  if (hasOwnLogits(settings)) await descendHeads(started.run, settings, rows, rng);
  else started.run.reset();
  await blendParts(started, settings, fitParts(started, settings, formsOf(settings), rows, rng), rows);
  return wantScores ? started.run.scores() : new Float32Array(0);
}

/** Fits the regressions of `forms` to several sets of rows at once, for `fitParts`. */
export function prepareParts(
  { regression }: Pick<StartedHeads, 'regression'>,
  forms: readonly ClosedForm[],
  sets: readonly HeadRows[],
): void {
  const regressions = forms.filter((form) => form.kind === 'regression');
  if (regressions.length === 0) return;
  regression?.prepare(
    sets.map((rows) => ({ positives: rows.positives, weights: positiveWeights(rows), others: comparedWith(rows) })),
    regressions,
  );
}

/** The users with whom a regression compares the seeds; null for all users. */
function comparedWith({ positives, pool, outside }: HeadRows): MatchedUsers | null {
  return outside ? { inside: pool, outside: outside.pool, share: outside.positives / positives.length } : null;
}

/** The parts to add to the logits after the passes, in the order of `forms`; the parts do not depend on the passes. */
export function fitParts(
  { run, regression }: StartedHeads,
  settings: DescentSettings,
  forms: readonly ClosedForm[],
  rows: HeadRows,
  rng: Rng,
): LogitPart[] {
  const { positives } = rows;
  const parts = new Map<ClosedForm, LogitPart>();
  const logistic = forms.filter((form) => form.kind === 'logistic');
  if (logistic.length > 0) {
    const { counts, always } = negativesFor(settings, rows);
    const sampled = negativesOf(rows).draw(rng.fork('companion'), counts);
    const learned = Int32Array.from([...positives, ...sampled, ...always]);
    const labels = new Uint8Array(learned.length).fill(1, 0, positives.length);
    const weights = lossWeights(rows, sampled.length, always.length);
    for (const form of logistic) parts.set(form, run.fitLogistic(learned, labels, form.strengths, weights));
  }
  const regressions = forms.filter((form) => form.kind === 'regression');
  if (regressions.length > 0) {
    assert(regression, 'the model has a regression, but the population was not read for it');
    const fitted = regression.fit(positives, regressions, comparedWith(rows), positiveWeights(rows));
    for (const [i, form] of regressions.entries()) parts.set(form, run.linear(fitted[i]!));
  }
  return forms.map((form) => parts.get(form)!);
}

/** Adds `parts`, the fitted parts of the settings' blend, to the logits. */
export async function blendParts(
  { run }: StartedHeads,
  settings: DescentSettings,
  parts: readonly LogitPart[],
  { positives, pool }: HeadRows,
): Promise<void> {
  const blend = blendOf(settings);
  const seeds = positives.length;
  const blended = blend.parts.map(
    ({ share }, i): BlendedPart => ({ part: parts[i]!, weight: weightFor(share, seeds) }),
  );
  if (blended.length > 0) await run.blend(blended, pool, weightFor(blend.heads, seeds));
}
