/**
 * The whole-population regression: what the population's own covariance says of a campaign, in closed form, without
 * sampled negatives. w = (G + sigma I)^-1 (mean of the seeds - mean of all): ridge regression of the seeds on everybody
 * (EASE's for one new column, Steck 2019), and Fisher's discriminant with the population's covariance.
 */
import { type ColumnSums, covarianceOf, momentsOf, withoutColumn } from './covariance.ts';
import { solveShifted } from './shifted-solve.ts';
import type { SparseRows } from './sparse-rows.ts';

/**
 * What lies beside the diagonal of the covariance is taken from all users where they have no more features than this
 * together, else from users evenly spread over the population who have as many: an application is two passes over them.
 * The diagonal is always of all users.
 */
export const MOST_FEATURES = 500_000;
/** Seeds at which the strength is what it says; it falls with the root of their number. */
const REFERENCE_SEEDS = 50;

export interface PopulationRegression {
  readonly width: number;
  /**
   * A weight for each column, `[width]`, for each strength: a user's score is x . weights. `seedMean` is the mean of
   * the seeds' rows, `seeds` their number. sigma = strength * trace(G) * sqrt(50 / seeds). `without` is a column that
   * is left out, as if nobody had it (-1: none). Columns that are the same for everybody have weight 0.
   */
  fit(seedMean: Float64Array, seeds: number, strengths: readonly number[], without?: number): Float64Array[];
}

/**
 * `rows` are all users or a sample of them; `sums` are of all. Columns are scaled by their frequency to the power of
 * -`power`.
 */
export function populationRegression(rows: SparseRows, sums: ColumnSums, power: number): PopulationRegression {
  const moments = momentsOf(sums, power);
  const { scale, mean, variance, trace } = moments;
  const covariance = covarianceOf(rows, moments);
  return {
    width: rows.width,
    fit(seedMean, seeds, strengths, without = -1) {
      const difference = seedMean.map((value, t) =>
        t === without || variance[t] === 0 ? 0 : scale[t]! * value - mean[t]!,
      );
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
