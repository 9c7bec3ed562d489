/**
 * The whole-population regression: from the population's own covariance, in closed form, without sampled negatives. w =
 * (G + sigma I)^-1 (mean of the seeds - mean of all): ridge regression of the seeds against everyone (EASE's for one
 * new column, Steck 2019), and Fisher's discriminant with the population's covariance.
 */
import { type ColumnSums, covarianceOf, momentsOf, withoutColumn } from './covariance.ts';
import { solveShifted } from './shifted-solve.ts';
import type { SparseRows } from './sparse-rows.ts';

/**
 * Off-diagonal entries of the covariance are computed from all users if they have no more features than this together,
 * else from evenly spaced users with that many: an application takes two passes over them. The diagonal always covers
 * all users.
 */
export const MOST_FEATURES = 500_000;
/** Number of seeds at which the strength applies as given; it falls with the square root of their number. */
const REFERENCE_SEEDS = 50;

export interface PopulationRegression {
  readonly width: number;
  /**
   * A weight for each column, `[width]`, for each strength: a user's score is x . weights. `seedMean` is the mean of
   * the seeds' rows, `seeds` their number. sigma = strength * trace(G) * sqrt(50 / seeds). `without` is a column to
   * exclude, as if nobody had it (-1: none). Columns that are equal for everyone have weight 0. `otherMean` is what the
   * seeds are compared with, instead of the mean of all rows.
   */
  fit(
    seedMean: Float64Array,
    seeds: number,
    strengths: readonly number[],
    without?: number,
    otherMean?: Float64Array | null,
  ): Float64Array[];
}

/**
 * `rows` are all users or a sample of them; `sums` cover all. Columns are scaled by their frequency to the power of
 * -`power`.
 */
export function populationRegression(rows: SparseRows, sums: ColumnSums, power: number): PopulationRegression {
  const moments = momentsOf(sums, power);
  const { scale, mean, variance, trace } = moments;
  const covariance = covarianceOf(rows, moments);
  return {
    width: rows.width,
    fit(seedMean, seeds, strengths, without = -1, otherMean = null) {
      const difference = seedMean.map((value, t) => {
        if (t === without || variance[t] === 0) return 0;
        return otherMean ? scale[t]! * (value - otherMean[t]!) : scale[t]! * value - mean[t]!;
      });
      const left = without === -1 ? trace : variance.reduce((sum, x, t) => (t === without ? sum : sum + x), 0);
      const unit = left * Math.sqrt(REFERENCE_SEEDS / seeds);
      const solved = solveShifted(
        without === -1 ? covariance : withoutColumn(covariance, without),
        difference,
        strengths.map((strength) => strength * unit),
      );
      return solved.map((weights) => weights.map((weight, t) => scale[t]! * weight));
    },
  };
}
