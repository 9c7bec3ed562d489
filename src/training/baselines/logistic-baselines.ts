/**
 * The baselines `logistic_regression`, on one-hot tokens, and `logistic_regression_svd`, on latent vectors of users.
 */
import { fitLogisticRegression, type LogisticModel } from '../../../packages/onnx-grad/index.ts';
import { type Rng, sample } from '../../lib/rng.ts';
import { type DenseRows, denseDesign, type SparseRows, sparseDesign } from '../choices/design-rows.ts';
import { labelledRows } from '../history/history.ts';
import type { OneHot } from '../history/one-hot.ts';
import { type Reach, reachedOf } from '../history/reach.ts';
import { latentStart } from '../meta/latent-start.ts';
import { presentSeeds, type Scorer, sumOfTokens, type TunableMethod } from './baselines.ts';

/** Number of negatives sampled for each seed. */
const NEGATIVES_PER_SEED = 10;
/** Dimensions of the latent vectors. */
const RANK = 32;

/** scikit-learn's C. */
const STRENGTHS = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1];
/**
 * The weight of rare tokens in the SVD (see `latentStart`): no weighting, or the weighting of a model's initial latent
 * vectors.
 */
const IDF_POWERS = [0, 0.5];

/**
 * Logistic regression on one-hot tokens, fitted to convergence. The seeds are compared with 10 other users per seed,
 * sampled without replacement from the population's non-seeds (including hidden members, as in the online stage).
 * Scores are logits.
 */
export function logisticRegression(oneHot: OneHot): TunableMethod<{ strength: number }> {
  return {
    name: 'logistic_regression',
    grid: STRENGTHS.map((strength) => ({ strength })),
    fallback: { strength: 0.1 },
    *scorers(seeds, rng, settings, reach) {
      const { users, labels } = sampleTask(oneHot, seeds, rng, reach);
      const { rows, tokenOf } = tokenRows(oneHot, users);
      const design = sparseDesign(rows);
      let model: LogisticModel | undefined;
      for (const { strength } of settings) {
        model = fitLogisticRegression(design, labels, strength, model && { start: model });
        const weights = new Float64Array(oneHot.width);
        for (let j = 0; j < tokenOf.length; j++) weights[tokenOf[j]!] = model.weights[j]!;
        yield linearScorer(oneHot, weights, model.bias);
      }
    },
  };
}

/**
 * Logistic regression on the users' latent vectors: phi(u) = the sum of V[t] over the user's tokens, 32 dimensions (see
 * `latentStart`). A score w . phi(u) + b equals b plus the sum of w . V[t] over the user's tokens. `idf_power` is the
 * setting of the SVD.
 */
export function logisticRegressionOnLatent(
  oneHot: OneHot,
  rng: Rng,
): TunableMethod<{ idf_power: number; strength: number }> {
  const opened = new Map<number, Float32Array>();
  const vectorsOf = (power: number) => {
    const vectors = opened.get(power) ?? latentStart(oneHot, RANK, rng.fork(`${power}`), power);
    opened.set(power, vectors);
    return vectors;
  };
  return {
    name: 'logistic_regression_svd',
    grid: IDF_POWERS.flatMap((idf_power) => STRENGTHS.map((strength) => ({ idf_power, strength }))),
    fallback: { idf_power: 0.5, strength: 0.01 },
    *scorers(seeds, draws, settings, reach) {
      const { users, labels } = sampleTask(oneHot, seeds, draws, reach);
      for (const power of new Set(settings.map(({ idf_power }) => idf_power))) {
        const vectors = vectorsOf(power);
        const design = denseDesign(latentRows(oneHot, vectors, users));
        let model: LogisticModel | undefined;
        for (const { strength } of settings.filter(({ idf_power }) => idf_power === power)) {
          model = fitLogisticRegression(design, labels, strength, model && { start: model });
          yield linearScorer(oneHot, tokenWeights(vectors, model.weights), model.bias);
        }
      }
    },
  };
}

/** w . V[t] for each token t. */
export function tokenWeights(vectors: Float32Array, weights: Float64Array): Float64Array {
  const out = new Float64Array(vectors.length / RANK);
  for (let token = 0; token < out.length; token++)
    for (let j = 0; j < RANK; j++) out[token]! += vectors[token * RANK + j]! * weights[j]!;
  return out;
}

export function linearScorer(oneHot: OneHot, weights: Float64Array, bias: number): Scorer {
  return (users) => Float64Array.from(users, (user) => bias + sumOfTokens(weights, oneHot, user));
}

/**
 * The seeds (label 1), ascending, and ten distinct non-seeds per seed (label 0) among the users in `reach`. If `reach`
 * has fewer non-seeds, all of them are used.
 */
export function sampleTask(
  oneHot: OneHot,
  seeds: Int32Array,
  rng: Rng,
  reach?: Reach,
): { users: Int32Array; labels: Uint8Array } {
  const positives = presentSeeds(oneHot, seeds);
  const others = reachedOf(reach, nonSeeds(oneHot.users, positives));
  const sampled = sample(rng, others, NEGATIVES_PER_SEED * positives.length);
  return labelledRows(positives, sampled);
}

/**
 * The users' tokens, with columns numbered by first occurrence. `tokenOf`, `[rows.width]`, is the token of each column.
 * A token that no user has would get weight 0, so it gets no column.
 */
export function tokenRows(oneHot: OneHot, users: Int32Array): { rows: SparseRows; tokenOf: readonly number[] } {
  const offsets = new Int32Array(users.length + 1);
  const columns: number[] = [];
  const values: number[] = [];
  const columnOf = new Int32Array(oneHot.width).fill(-1);
  const tokenOf: number[] = [];
  users.forEach((user, row) => {
    for (let i = oneHot.offsets[user]!; i < oneHot.offsets[user + 1]!; i++) {
      const token = oneHot.tokens[i]!;
      if (columnOf[token] === -1) columnOf[token] = tokenOf.push(token) - 1;
      columns.push(columnOf[token]!);
      if (oneHot.values) values.push(oneHot.values[i]!);
    }
    offsets[row + 1] = columns.length;
  });
  const own = { columns: Int32Array.from(columns), values: oneHot.values ? Float32Array.from(values) : null };
  return { rows: { offsets, ...own, width: tokenOf.length }, tokenOf };
}

/** The latent vectors phi(u) of the users. */
export function latentRows(oneHot: OneHot, vectors: Float32Array, users: Int32Array): DenseRows {
  const values = new Float64Array(users.length * RANK);
  users.forEach((user, row) => {
    for (let i = oneHot.offsets[user]!; i < oneHot.offsets[user + 1]!; i++) {
      const token = oneHot.tokens[i]!;
      const value = oneHot.values ? oneHot.values[i]! : 1;
      for (let j = 0; j < RANK; j++) values[row * RANK + j]! += value * vectors[token * RANK + j]!;
    }
  });
  return { values, width: RANK };
}

/** The `users` who are not in `seeds`. Both arrays are ascending, and all seeds are among the users. */
function nonSeeds(users: Int32Array, seeds: Int32Array): Int32Array {
  const others = new Int32Array(users.length - seeds.length);
  let next = 0;
  let at = 0;
  for (const user of users) {
    if (user === seeds[next]) next++;
    else others[at++] = user;
  }
  return others;
}
