/**
 * Trials of one campaign by gradient descent on the heads: its users are computed once, for all seed sets and settings.
 */

import type { HeadPosition, HeadProgram } from '../adaptation/head-adaptation.ts';
import { createRng, sample } from '../lib/rng.ts';
import type { DescentSettings } from '../model/manifest.ts';
import type { OnlineContext } from '../online/customise.ts';
import {
  blendParts,
  descendHeads,
  fitParts,
  type HeadParts,
  type StartedHeads,
  startHeads,
} from '../online/customise-heads.ts';
import { type HeadRows, POOL_ROWS } from '../online/head-users.ts';
import { ownToken } from '../online/own-token.ts';
import { measureRanking, type RankingQuality } from './metrics.ts';
import { othersThan, SHARES, type Trial } from './trial.ts';

export interface HeadTrials {
  /**
   * The quality of each trial with `settings`, with the same random numbers for all settings, so that comparisons are
   * paired.
   */
  evaluate(settings: DescentSettings): Promise<RankingQuality[]>;
}

const NO_ROWS = new Int32Array(0);
/** The regression compares seeds with the pool: all of them are reached, and others are none of its matter. */
const NOBODY_OUTSIDE: NonNullable<HeadRows['outside']> = { positives: 0, pool: NO_ROWS, always: NO_ROWS };

/** One trial's rows, as rows of the run. */
interface PreparedTrial {
  readonly trial: Trial;
  readonly positives: Int32Array;
  readonly pool: Int32Array;
  readonly evaluated: Int32Array;
  /** Cached results of the last settings. */
  readonly done: {
    descent: { readonly key: string; readonly position: HeadPosition } | null;
    parts: { readonly key: string; readonly parts: HeadParts } | null;
  };
}

/** Starts the trials of one campaign (they differ in their seeds alone); `key` determines all random numbers. */
export async function startHeadTrials(
  context: OnlineContext,
  program: HeadProgram,
  trials: readonly Trial[],
  key: string,
): Promise<HeadTrials> {
  const { population, model } = context;
  const rowOf = (user: number) => population.rowOf[user]!;
  const isWanted = new Uint8Array(population.rowCount);
  const isPool = new Uint8Array(population.rowCount);
  const { id, features, reach } = trials[0]!;
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
    return { trial, positives, pool, evaluated, done: { descent: null, parts: null } };
  });
  const started = await startHeads(context, program, rows, { features, without: ownToken(model.folder, id) });
  return {
    async evaluate(settings) {
      const out: RankingQuality[] = [];
      for (const trial of preparedTrials)
        out.push(await runPreparedTrial(started, trial, settings, `${key}/${trial.trial.seeds.length}`));
      return out;
    },
  };
}

/**
 * Only repeats the descent and fits whose settings changed since the previous trial: weights of parts are cheap to try.
 */
async function runPreparedTrial(
  started: StartedHeads,
  preparedTrial: PreparedTrial,
  settings: DescentSettings,
  key: string,
): Promise<RankingQuality> {
  const { positives, pool, evaluated, done } = preparedTrial;
  const { evaluation } = preparedTrial.trial;
  const { companion, regression, scale: _, ...descent } = settings;
  const rows = { positives, pool, outside: preparedTrial.trial.reach ? NOBODY_OUTSIDE : null };
  const descended = JSON.stringify(descent);
  if (done.descent?.key === descended) started.run.reset(done.descent.position);
  else {
    await descendHeads(started, settings, rows, createRng(key));
    done.descent = { key: descended, position: started.run.position() };
  }
  const fitted = JSON.stringify([
    companion?.strengths,
    regression && { ...regression, weight: 0 },
    descent.negatives_per_seed,
  ]);
  if (done.parts?.key !== fitted)
    done.parts = { key: fitted, parts: fitParts(started, settings, rows, createRng(key)) };
  await blendParts(started, settings, done.parts.parts, rows);
  const scores = await started.run.scores();
  const own = Float32Array.from(evaluated, (place) => scores[place]!);
  return measureRanking(evaluation.users, own, evaluation.labels, SHARES);
}
