/**
 * The baseline `population_ridge`, which is the whole-population regression alone. This module also tunes the
 * regression of a model.
 */

import type { Rng } from '../../lib/rng.ts';
import type { AdaptationSettings } from '../../model/manifest.ts';
import { addRows, emptySums } from '../../online/regression/covariance.ts';
import {
  fitSideBySide,
  MOST_FEATURES,
  type PopulationRegression,
  populationRegression,
} from '../../online/regression/population-regression.ts';
import { RowProducts } from '../../online/regression/products.ts';
import { evenRows, meanOfRows, type SparseRows } from '../../online/regression/sparse-rows.ts';
import { chooseSetting, type SettingChoice } from '../choices/tuning.ts';
import type { Futures } from '../history/futures.ts';
import type { OneHot } from '../history/one-hot.ts';
import { type Reach, reaches } from '../history/reach.ts';
import { presentSeeds, sumOfTokens, type TunableMethod } from './baselines.ts';

/** The settings of `regression` in a model's manifest. */
export type RidgeSetting = { readonly strength: number; readonly power: number };

/** The settings to try; the first one is the default. */
const POWERS = [0.25, 0, 0.125, 0.5];
const STRENGTHS = [0.05, 0.005, 0.015, 0.15, 0.5];
const GRID: readonly RidgeSetting[] = POWERS.flatMap((power) => STRENGTHS.map((strength) => ({ strength, power })));

/** Scores are w . x with x_t = 1 / sqrt(n) for each of a user's n tokens. Standardised numbers are extra columns. */
export function populationRidge(oneHot: OneHot): TunableMethod<RidgeSetting> {
  let opened: OpenRidge | undefined;
  return {
    name: 'population_ridge',
    grid: GRID,
    fallback: GRID[0]!,
    *scorers(seeds: Int32Array, _rng: Rng, settings: readonly RidgeSetting[], reach?: Reach) {
      opened ??= openRidge(oneHot);
      const { all, products, regressionOf } = opened;
      const present = presentSeeds(oneHot, seeds);
      const rows = rowsOf(oneHot, present);
      const mean = meanOfRows(rows, Int32Array.from(present.keys()));
      const compared = reach ? meanReached(all, oneHot.users, reach) : null;
      const fitted = new Map<RidgeSetting, Float64Array>();
      const groups = Array.from(Map.groupBy(settings, ({ power }) => power));
      const fits = groups.map(([power, own]) => {
        const strengths = own.map(({ strength }) => strength);
        return regressionOf(power).plan(mean, present.length, strengths, { otherMean: compared });
      });
      for (const [group, weights] of fitSideBySide(products, fits).entries())
        for (const [i, setting] of groups[group]![1].entries()) fitted.set(setting, weights[i]!);
      for (const setting of settings) {
        const weights = fitted.get(setting)!;
        yield (users) => Float64Array.from(users, (user) => sumOfTokens(weights, oneHot, user) * scaleOf(oneHot, user));
      }
    },
  };
}

interface OpenRidge {
  readonly all: SparseRows;
  readonly products: RowProducts;
  regressionOf(power: number): PopulationRegression;
}

/**
 * Regressions are opened on first use, because a covariance is costly.
 */
function openRidge(oneHot: OneHot): OpenRidge {
  const all = rowsOf(oneHot, oneHot.users);
  const sums = emptySums(oneHot.width);
  addRows(sums, all);
  const sampled = evenRows(oneHot.users.length, all.columns.length, MOST_FEATURES);
  const products = new RowProducts(
    rowsOf(
      oneHot,
      sampled.map((row) => oneHot.users[row]!),
    ),
  );
  const regressions = new Map<number, PopulationRegression>();
  return {
    all,
    products,
    regressionOf(power) {
      const regression = regressions.get(power) ?? populationRegression(products, sums, power);
      regressions.set(power, regression);
      return regression;
    },
  };
}

/**
 * The mean row of the users in `reach`; null if `reach` contains nobody. The regression interprets null as all users.
 */
function meanReached(rows: SparseRows, users: Int32Array, reach: Reach): Float64Array | null {
  const reached = Int32Array.from(users.keys()).filter((row) => reaches(reach, users[row]!));
  return reached.length === 0 ? null : meanOfRows(rows, reached);
}

/** The factor that scales a user's row down to length 1. As in a model, shorter rows are not scaled. */
function scaleOf({ offsets, values }: OneHot, user: number): number {
  const [begin, end] = [offsets[user]!, offsets[user + 1]!];
  if (!values) return begin === end ? 0 : 1 / Math.sqrt(end - begin);
  let squares = 0;
  for (let i = begin; i < end; i++) squares += values[i]! ** 2;
  return 1 / Math.sqrt(Math.max(squares, 1));
}

function rowsOf(oneHot: OneHot, users: Int32Array): SparseRows {
  const { offsets, tokens, width } = oneHot;
  const starts = new Int32Array(users.length + 1);
  users.forEach((user, row) => {
    starts[row + 1] = starts[row]! + offsets[user + 1]! - offsets[user]!;
  });
  const columns = new Int32Array(starts[users.length]!);
  const values = new Float32Array(columns.length);
  users.forEach((user, row) => {
    columns.set(tokens.subarray(offsets[user]!, offsets[user + 1]!), starts[row]!);
    const scale = scaleOf(oneHot, user);
    const own = oneHot.values?.subarray(offsets[user]!, offsets[user + 1]!);
    if (own)
      values.set(
        own.map((value) => scale * value),
        starts[row]!,
      );
    else values.fill(scale, starts[row]!, starts[row + 1]!);
  });
  return { width, starts, columns, values };
}

/**
 * Returns `adaptation` with the regression setting that performs best on train campaigns when the regression is used
 * alone. `adaptation` is returned unchanged if it has no regression.
 */
export function tuneRegression(
  futures: Futures,
  adaptation: AdaptationSettings,
  rng: Rng,
): { readonly adaptation: AdaptationSettings; readonly choice: SettingChoice<RidgeSetting> | null } {
  if (adaptation.optimiser !== 'gradient_descent' || !adaptation.regression) return { adaptation, choice: null };
  const choice = chooseSetting(populationRidge, futures, rng, 'evidence');
  return { adaptation: { ...adaptation, regression: { ...adaptation.regression, ...choice.setting } }, choice };
}
