/**
 * The whole-population regression, in a closed form that uses the population's own covariance and no sampled negatives.
 * w = (G + sigma * I)^-1 * (mean of the seeds - mean of all): ridge regression of the seeds against everyone (as in
 * EASE for one new column, Steck 2019), and Fisher's discriminant with the population's covariance.
 */
import { type ColumnSums, type Covariance, covarianceOf, momentsOf, withoutColumn } from './covariance.ts';
import type { RowProducts } from './products.ts';
import { type SharedSystem, solveSideBySide } from './shifted-solve.ts';
import { type Directions, type WeightPrior, weightPrior } from './weight-prior.ts';

/**
 * Off-diagonal entries of the covariance are computed from all users if they have at most this many features in total.
 * Otherwise they are computed from evenly spaced users who have about this many features, because each application of
 * the covariance takes two passes over the features. The diagonal always covers all users.
 */
export const MOST_FEATURES = 500_000;
/**
 * The number of seeds at which the strength applies unchanged; the effective strength falls with the square root of the
 * number of seeds.
 */
const REFERENCE_SEEDS = 50;

export interface PopulationRegression {
  /** c_t, the factor of each column, `[width]`; 0 for columns without a value in any row. */
  readonly scale: Float64Array;
  /**
   * Plans the fits of a weight for each column, `[width]`, one fit per strength, for `fitSideBySide`. A user's score is
   * dot(x, weights). `seedMean` is the mean of the seeds' rows, and `seeds` is their number. sigma = strength *
   * trace(G) * sqrt(50 / seeds). `without` is a column to exclude, as if nobody had it (-1: none). Columns with the
   * same value for all users have weight 0. The seeds are compared with `otherMean` if given, otherwise with the mean
   * of all rows. With a `prior`, w is shrunk less along the directions of the prior. In total, these have `strength`
   * times the variance of all other directions.
   */
  plan(seedMean: Float64Array, seeds: number, strengths: readonly number[], options?: RegressionOptions): PlannedFit;
}

export interface RegressionOptions {
  readonly without?: number;
  readonly otherMean?: Float64Array | null;
  readonly prior?: { readonly of: Directions; readonly strength: number } | null;
}

/** A fit that has not started. */
export interface PlannedFit {
  start(): SharedSystem;
  weightsOf(solution: Float64Array): Float64Array;
}

/**
 * Opens the regression: `products` have the rows of all users or of a sample of users; `sums` cover all users. Columns
 * are scaled by their frequency to the power of -`power`.
 */
export function populationRegression(products: RowProducts, sums: ColumnSums, power: number): PopulationRegression {
  const moments = momentsOf(sums, power);
  const { scale, mean, variance, trace } = moments;
  const covariance = covarianceOf(products, moments);
  let last: { readonly of: Directions; readonly strength: number; readonly prior: WeightPrior } | null = null;
  /** Cache of the last fit's prior. */
  const priorOf = ({ of, strength }: NonNullable<RegressionOptions['prior']>): WeightPrior => {
    if (last?.of !== of || last.strength !== strength)
      last = { of, strength, prior: weightPrior(of, scale, strength * trace) };
    return last.prior;
  };
  const plan: PopulationRegression['plan'] = (
    seedMean,
    seeds,
    strengths,
    { without = -1, otherMean = null, prior: wanted = null } = {},
  ) => {
    const prior = wanted && priorOf(wanted);
    return {
      start() {
        const difference = seedMean.map((value, t) => {
          if (t === without || variance[t] === 0) return 0;
          return otherMean ? scale[t]! * (value - otherMean[t]!) : scale[t]! * value - mean[t]!;
        });
        const left = without === -1 ? trace : variance.reduce((sum, x, t) => (t === without ? sum : sum + x), 0);
        const unit = left * Math.sqrt(REFERENCE_SEEDS / seeds);
        const known = without === -1 ? covariance : withoutColumn(covariance, without);
        return {
          covariance: prior ? inCoordinatesOf(prior, known, without) : known,
          b: prior ? applied(prior, difference, without) : difference,
          sigmas: strengths.map((strength) => strength * unit),
        };
      },
      weightsOf: (solution) =>
        (prior ? applied(prior, solution, without) : solution).map((weight, t) => scale[t]! * weight),
    };
  };
  return { scale, plan };
}

/**
 * Returns the weights of each fit. Their bits do not depend on the other fits. All regressions must use the same
 * `products`; their powers may differ.
 */
export function fitSideBySide(products: RowProducts, fits: readonly PlannedFit[]): Float64Array[][] {
  const weights: Float64Array[][] = [];
  solveSideBySide(
    products,
    fits.map(({ start }) => start),
    (i, solutions) => {
      weights[i] = solutions.map(fits[i]!.weightsOf);
    },
  );
  return weights;
}

/** The operator P * G * P: the covariance in the coordinates y, with w = P * y. */
function inCoordinatesOf(prior: WeightPrior, covariance: Covariance, without: number): Covariance {
  const weighed = new Float64Array(covariance.width);
  const product = new Float64Array(covariance.width);
  return {
    width: covariance.width,
    before(v, lane) {
      prior.apply(v, weighed);
      if (without !== -1) weighed[without] = 0;
      covariance.before(weighed, lane);
    },
    after(_, lane, out) {
      covariance.after(weighed, lane, product);
      prior.apply(product, out);
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
