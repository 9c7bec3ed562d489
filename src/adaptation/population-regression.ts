/**
 * The whole-population regression: from the population's own covariance, in closed form, without sampled negatives. w =
 * (G + sigma I)^-1 (mean of the seeds - mean of all): ridge regression of the seeds against everyone (EASE's for one
 * new column, Steck 2019), and Fisher's discriminant with the population's covariance.
 */
import { type ColumnSums, type Covariance, covarianceOf, momentsOf, withoutColumn } from './covariance.ts';
import { solveShifted } from './shifted-solve.ts';
import type { SparseRows } from './sparse-rows.ts';
import { type Directions, type WeightPrior, weightPrior } from './weight-prior.ts';

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
  /** c_t, the factor of each column, `[width]`; 0 for columns that no row has. */
  readonly scale: Float64Array;
  /**
   * A weight for each column, `[width]`, for each strength: a user's score is x . weights. `seedMean` is the mean of
   * the seeds' rows, `seeds` their number. sigma = strength * trace(G) * sqrt(50 / seeds). `without` is a column to
   * exclude, as if nobody had it (-1: none). Columns that are equal for everyone have weight 0. `otherMean` is what the
   * seeds are compared with, instead of the mean of all rows. With a `prior` w is shrunk less along its directions:
   * together they have `strength` times the variance that all others have.
   */
  fit(seedMean: Float64Array, seeds: number, strengths: readonly number[], options?: RegressionOptions): Float64Array[];
}

export interface RegressionOptions {
  readonly without?: number;
  readonly otherMean?: Float64Array | null;
  readonly prior?: { readonly of: Directions; readonly strength: number } | null;
}

/**
 * `rows` are all users or a sample of them; `sums` cover all. Columns are scaled by their frequency to the power of
 * -`power`.
 */
export function populationRegression(rows: SparseRows, sums: ColumnSums, power: number): PopulationRegression {
  const moments = momentsOf(sums, power);
  const { scale, mean, variance, trace } = moments;
  const covariance = covarianceOf(rows, moments);
  let last: { readonly of: Directions; readonly strength: number; readonly prior: WeightPrior } | null = null;
  /** What was made for the last fit is kept. */
  const priorOf = ({ of, strength }: NonNullable<RegressionOptions['prior']>): WeightPrior => {
    if (last?.of !== of || last.strength !== strength)
      last = { of, strength, prior: weightPrior(of, scale, strength * trace) };
    return last.prior;
  };
  return {
    width: rows.width,
    scale,
    fit(seedMean, seeds, strengths, { without = -1, otherMean = null, prior: wanted = null } = {}) {
      const prior = wanted && priorOf(wanted);
      const difference = seedMean.map((value, t) => {
        if (t === without || variance[t] === 0) return 0;
        return otherMean ? scale[t]! * (value - otherMean[t]!) : scale[t]! * value - mean[t]!;
      });
      const left = without === -1 ? trace : variance.reduce((sum, x, t) => (t === without ? sum : sum + x), 0);
      const unit = left * Math.sqrt(REFERENCE_SEEDS / seeds);
      const known = without === -1 ? covariance : withoutColumn(covariance, without);
      const solved = solveShifted(
        prior ? inCoordinatesOf(prior, known, without) : known,
        prior ? applied(prior, difference, without) : difference,
        strengths.map((strength) => strength * unit),
      );
      return solved.map((weights) =>
        (prior ? applied(prior, weights, without) : weights).map((weight, t) => scale[t]! * weight),
      );
    },
  };
}

/** P G P: the covariance of what y weighs, w = P y. */
function inCoordinatesOf(prior: WeightPrior, covariance: Covariance, without: number): Covariance {
  const { width } = covariance;
  const before = new Float64Array(width);
  const after = new Float64Array(width);
  return {
    width,
    apply(v, out) {
      prior.apply(v, before);
      if (without !== -1) before[without] = 0;
      covariance.apply(before, after);
      prior.apply(after, out);
      if (without !== -1) out[without] = 0;
    },
  };
}

function applied(prior: WeightPrior, v: Float64Array, without: number): Float64Array {
  const out = new Float64Array(v.length);
  prior.apply(v, out);
  if (without !== -1) out[without] = 0;
  return out;
}
