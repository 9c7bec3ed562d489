/** Removes one vector from a prior of regression weights that was learned from many vectors. */
import type { CampaignPrior } from '../../model/campaign-prior.ts';
import { symmetricEigen } from './symmetric-eigen.ts';
import type { Directions } from './weight-prior.ts';

/** Minimum squared length of a direction, relative to the first direction. A shorter direction is a rounding error. */
const LEAST_SQUARE = 1e-9;
/** A direction is dropped if less than this share of it is left after vectors were removed. */
const LEAST_VALUE = 1e-5;

/** The prior of a model that was not trained on the campaigns `left`. */
export function priorWithout(prior: CampaignPrior, left: readonly string[], scale: Float64Array): Directions {
  const { rank, campaigns, coordinates } = prior;
  const places = [...new Set(left)].map((campaign) => campaigns.indexOf(campaign)).filter((place) => place !== -1);
  const own = places.map((place) => coordinates.subarray(place * rank, (place + 1) * rank));
  if (own.length === 0) return prior;
  return own.length === 1
    ? directionsWithout(prior, own[0]!, campaigns.length, scale)
    : directionsWithoutAll(prior, own, campaigns.length, scale);
}

/**
 * Returns the directions of S - w * w' / count. S, the sum of d * d' over the directions d, is also the mean of w * w'
 * over `count` vectors. The vector to remove is w, the sum of the directions multiplied by `coordinates`. The returned
 * directions are orthogonal in the coordinates of columns scaled by `scale`.
 */
function directionsWithout(
  { rank, width, directions }: Directions,
  coordinates: Float32Array,
  count: number,
  scale: Float64Array,
): Directions {
  const square = Math.min(coordinates.reduce((sum, x) => sum + x * x, 0) / count, 1);
  const changed = directions.slice();
  if (square > 0) {
    // I - c * c' / count = Q * Q with Q = I - (1 - sqrt(1 - |c|^2 / count)) * c * c' / |c|^2
    const factor = (1 - Math.sqrt(1 - square)) / (square * count);
    const own = new Float64Array(width);
    for (let i = 0; i < rank; i++)
      for (let t = 0; t < width; t++) own[t]! += coordinates[i]! * directions[i * width + t]!;
    for (let i = 0; i < rank; i++)
      for (let t = 0; t < width; t++) changed[i * width + t]! -= factor * coordinates[i]! * own[t]!;
  }
  return orthogonal({ rank, width, directions: changed }, scale);
}

/**
 * Returns the directions of S - the sum of w * w' / count over several vectors. With C = `coordinates`
 * (`[vectors, rank]`), that is D * (I - C' * C / count) * D', whose eigenvectors give the directions.
 */
function directionsWithoutAll(
  { rank, width, directions }: Directions,
  coordinates: readonly Float32Array[],
  count: number,
  scale: Float64Array,
): Directions {
  const left = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++)
    for (let j = 0; j < rank; j++)
      left[i * rank + j] = coordinates.reduce((sum, c) => sum - (c[i]! * c[j]!) / count, i === j ? 1 : 0);
  const { values, vectors } = symmetricEigen(left, rank);
  const changed = new Float32Array(rank * width);
  for (let r = 0; r < rank; r++) {
    // S has float32 precision, so a smaller value is a rounding error
    const length = values[r]! > LEAST_VALUE ? Math.sqrt(values[r]!) : 0;
    for (let i = 0; i < rank; i++) {
      const factor = length * vectors[i * rank + r]!;
      for (let t = 0; t < width; t++) changed[r * width + t]! += factor * directions[i * width + t]!;
    }
  }
  return orthogonal({ rank, width, directions: changed }, scale);
}

/**
 * Returns directions that have the same sum of d * d' as the given directions, and are orthogonal in scaled
 * coordinates.
 */
function orthogonal({ rank, width, directions }: Directions, scale: Float64Array): Directions {
  const products = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = 0; t < width; t++)
        if (scale[t] !== 0) sum += (directions[i * width + t]! / scale[t]!) * (directions[j * width + t]! / scale[t]!);
      products[i * rank + j] = products[j * rank + i] = sum;
    }
  const { values, vectors } = symmetricEigen(products, rank);
  const kept = values.filter((value) => value > LEAST_SQUARE * values[0]!).length;
  const out = new Float32Array(kept * width);
  for (let r = 0; r < kept; r++)
    for (let i = 0; i < rank; i++) {
      const factor = vectors[i * rank + r]!;
      for (let t = 0; t < width; t++) out[r * width + t]! += factor * directions[i * width + t]!;
    }
  return { rank: kept, width, directions: out };
}
