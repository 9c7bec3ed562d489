/**
 * Trials of one campaign by gradient descent on the heads. The body of the graph is computed once per user, for all
 * seed sets and settings.
 */

import {
  type HeadPosition,
  type HeadProgram,
  type LogitPart,
  logitOf,
  spreadOf,
} from '../../../packages/onnx-grad/index.ts';
import { createRng, sample } from '../../lib/rng.ts';
import { formsOf } from '../../model/blend.ts';
import type { DescentSettings } from '../../model/manifest.ts';
import { blendParts, fitParts, prepareParts, type StartedHeads, startHeads } from '../../online/customise-heads.ts';
import { descendHeads } from '../../online/descend-heads.ts';
import { type HeadRows, POOL_ROWS } from '../../online/head-users.ts';
import type { OnlineContext } from '../../online/online-context.ts';
import { ownToken } from '../../online/own-token.ts';
import type { BoundRegression, CampaignRegression } from '../../online/regression/bound-regression.ts';
import type { Population } from '../../population/read.ts';
import { measureRanking, type RankingQuality } from '../evaluation/metrics.ts';
import { othersThan, SHARES, type Trial } from './trial.ts';

export interface HeadTrials {
  /**
   * Returns the quality of each trial with `settings`. All settings use the same random numbers, so that comparisons
   * are paired.
   */
  evaluate(settings: DescentSettings): Promise<RankingQuality[]>;
  /**
   * Returns the logits of each trial's evaluation rows before they are blended, for all parts of the settings' blend.
   */
  logits(settings: DescentSettings): Promise<TrialLogits[]>;
}

/** The logits of one trial, from which a blend is made. */
export interface TrialLogits {
  readonly seeds: number;
  /** By evaluation row. */
  readonly labels: Uint8Array;
  /**
   * Logits of the heads, then of the parts, by evaluation row. They are normalised for a blend, with mean 0 and spread
   * 1.
   */
  readonly columns: readonly Float32Array[];
}

/**
 * Maximum width of regressions whose fits are cached. At this width, the fits of a stack in one trial take up to 15 MB,
 * and the fits of all cached trials about 350 MB. Wider regressions are fitted again each time.
 */
const MOST_KEPT_WIDTH = 100_000;

const NO_ROWS = new Int32Array(0);
/**
 * Trials have no users outside the filters, because the regression compares seeds with the pool, which contains only
 * users within reach. Users outside the reach are irrelevant.
 */
const NOBODY_OUTSIDE: NonNullable<HeadRows['outside']> = { positives: 0, pool: NO_ROWS, always: NO_ROWS };

/** The rows of a trial, as rows of the run. */
interface PreparedTrial {
  readonly trial: Trial;
  readonly positives: Int32Array;
  readonly pool: Int32Array;
  readonly evaluated: Int32Array;
}

/** The trials of one campaign, with everything that does not depend on parameters. */
export interface PreparedTrials {
  /** Key of all random numbers. */
  readonly key: string;
  readonly trials: readonly PreparedTrial[];
  /** Rows of the population that at least one trial needs, ascending. */
  readonly rows: Int32Array;
  /** The regression for these rows, available once the trials have been started; null if its fits are not cached. */
  regression: Promise<CampaignRegression> | null;
}

/** A trial with the cached results of the last settings. */
interface StartedTrial extends PreparedTrial {
  readonly keepsFits: boolean;
  readonly done: {
    descent: { readonly key: string; readonly position: HeadPosition } | null;
    parts: { readonly key: string; readonly parts: readonly LogitPart[] } | null;
  };
}

/** Prepares the trials of one campaign, which differ only in their seeds. `key` determines all random numbers. */
export function prepareTrials(population: Population, trials: readonly Trial[], key: string): PreparedTrials {
  const rowOf = (user: number) => population.rowOf[user]!;
  const isWanted = new Uint8Array(population.rowCount);
  const isPool = new Uint8Array(population.rowCount);
  const { reach } = trials[0]!;
  const candidates = othersThan(population, new Int32Array(0), reach);
  const sampled = sample(createRng(`${key}/pool`), candidates, POOL_ROWS);
  for (const row of sampled) isPool[row] = isWanted[row] = 1;
  for (const { seeds, evaluation } of trials)
    for (const user of [...seeds, ...evaluation.users]) isWanted[rowOf(user)] = 1;
  const rows = Int32Array.from(isWanted.keys()).filter((row) => isWanted[row] === 1);
  const placeOf = new Int32Array(population.rowCount).fill(-1);
  rows.forEach((row, place) => {
    placeOf[row] = place;
  });
  const preparedTrials = trials.map((trial): PreparedTrial => {
    const positives = trial.seeds.map((user) => placeOf[rowOf(user)]!).sort();
    const isSeed = new Set(positives);
    const pool = Int32Array.from(rows.keys()).filter((place) => isPool[rows[place]!] === 1 && !isSeed.has(place));
    const evaluated = trial.evaluation.users.map((user) => placeOf[rowOf(user)]!);
    return { trial, positives, pool, evaluated };
  });
  return { key, trials: preparedTrials, rows, regression: null };
}

/**
 * Starts prepared trials. Later starts reuse the regression of the first start, so they must use the same model,
 * although its parameter values may differ.
 */
export async function startPreparedTrials(
  context: OnlineContext,
  program: HeadProgram,
  prepared: PreparedTrials,
): Promise<HeadTrials> {
  const { key, rows } = prepared;
  const { id, features } = prepared.trials[0]!.trial;
  const { regression = null } = context;
  const keepsFits = regression === null || regression.width <= MOST_KEPT_WIDTH;
  const own = { ...context, regression: regression && keepsFits ? fittedOnce(regression, prepared) : regression };
  const without = ownToken(context.model.folder, id);
  const started = await startHeads(own, program, rows, { features, without, campaign: id });
  const preparedTrials = prepared.trials.map(
    (trial): StartedTrial => ({ ...trial, keepsFits, done: { descent: null, parts: null } }),
  );
  return {
    async evaluate(settings) {
      prepareTrialParts(started, preparedTrials, settings);
      const out: RankingQuality[] = [];
      for (const trial of preparedTrials)
        out.push(await runPreparedTrial(started, trial, settings, `${key}/${trial.trial.seeds.length}`));
      return out;
    },
    async logits(settings) {
      prepareTrialParts(started, preparedTrials, settings);
      const out: TrialLogits[] = [];
      for (const trial of preparedTrials)
        out.push(await logitsOfTrial(started, trial, settings, `${key}/${trial.trial.seeds.length}`));
      return out;
    },
  };
}

/** Reads the rows of the trials' users once and caches their fits. */
function fittedOnce(regression: BoundRegression, prepared: PreparedTrials): BoundRegression {
  return {
    ...regression,
    forUsers(...users) {
      prepared.regression ??= regression.forUsers(...users);
      return prepared.regression;
    },
  };
}

/** Fits the regressions of all trials at once, unless fits are not cached. */
function prepareTrialParts(started: StartedHeads, trials: readonly StartedTrial[], settings: DescentSettings): void {
  const kept = trials.filter(({ keepsFits }) => keepsFits);
  prepareParts(started, formsOf(settings), kept.map(rowsOf));
}

function rowsOf({ trial, positives, pool }: PreparedTrial): HeadRows {
  return { positives, pool, outside: trial.reach ? NOBODY_OUTSIDE : null };
}

async function runPreparedTrial(
  started: StartedHeads,
  preparedTrial: StartedTrial,
  settings: DescentSettings,
  key: string,
): Promise<RankingQuality> {
  const { evaluation } = preparedTrial.trial;
  const { parts, rows } = await fitTrial(started, preparedTrial, settings, key);
  await blendParts(started, settings, parts, rows);
  const scores = await started.run.scores();
  const own = Float32Array.from(preparedTrial.evaluated, (place) => scores[place]!);
  return measureRanking(evaluation.users, own, evaluation.labels, SHARES);
}

async function logitsOfTrial(
  started: StartedHeads,
  preparedTrial: StartedTrial,
  settings: DescentSettings,
  key: string,
): Promise<TrialLogits> {
  const { trial, evaluated, pool } = preparedTrial;
  const { parts } = await fitTrial(started, preparedTrial, settings, key);
  const heads = Float64Array.from(await started.run.scores(), logitOf);
  const columns = [heads, ...parts.map(({ own }) => own)].map((own, column) => {
    const { mean, deviation } = spreadOf(Float64Array.from(pool, (place) => own[place]!));
    // like a blend, this leaves out parts without a spread, but never the heads
    if (deviation === 0 && column > 0) return new Float32Array(evaluated.length);
    return Float32Array.from(evaluated, (place) => (own[place]! - mean) / (deviation || 1));
  });
  return { seeds: trial.seeds.length, labels: trial.evaluation.labels, columns };
}

/**
 * Adapts the heads and fits the parts of the settings' blend. Only the descent and the fits whose settings changed
 * since the previous call are repeated, so trying other weights of parts is cheap.
 */
async function fitTrial(
  started: StartedHeads,
  prepared: StartedTrial,
  settings: DescentSettings,
  key: string,
): Promise<{ readonly parts: readonly LogitPart[]; readonly rows: HeadRows }> {
  const { companion: _, regression: _regression, stack: _stack, scale: _scale, ...descent } = settings;
  const { done, keepsFits } = prepared;
  const kept = rowsOf(prepared);
  // a regression caches its fits for as long as the array of positives exists
  const rows = keepsFits ? kept : { ...kept, positives: kept.positives.slice() };
  const descended = JSON.stringify(descent);
  if (done.descent?.key === descended) started.run.reset(done.descent.position);
  else {
    await descendHeads(started.run, settings, rows, createRng(key));
    done.descent = { key: descended, position: started.run.position() };
  }
  const forms = formsOf(settings);
  const fitted = JSON.stringify([forms, descent.negatives_per_seed]);
  if (done.parts?.key === fitted) return { parts: done.parts.parts, rows };
  const parts = fitParts(started, settings, forms, rows, createRng(key));
  if (keepsFits) done.parts = { key: fitted, parts };
  return { parts, rows };
}
