/** The methods that a general model has to beat: random, the centroid of the seeds, logistic regression. */
import { assert } from '../lib/errors.ts';
import { type Rng, sampleWithoutReplacement } from '../lib/rng.ts';
import { fitLogisticRegression, type LogisticModel, type SparseRows } from './logistic-regression.ts';
import type { OneHot } from './one-hot.ts';

/** Scores of the given user numbers, in their order; higher is more alike. */
export type Scorer = (users: Int32Array) => Float64Array;

/** A look-alike method without a general model. */
export interface Baseline {
  /** As in the report of an evaluation. */
  readonly name: string;
  /**
   * Learns from `seeds` (user numbers; order and repetition do not matter). What is random is drawn from `rng`.
   * Seeds who are not in the population's version are left out; none left is a bug of the caller.
   */
  scorer(seeds: Int32Array, rng: Rng): Scorer;
}

/** Negatives that are drawn for each seed. */
const NEGATIVES_PER_SEED = 10;

/** A score by lot: fixed by the stream and the user number, whatever is asked together. */
export function randomBaseline(): Baseline {
  return {
    name: 'random',
    scorer: (_seeds, rng) => {
      const key = rng.uint32();
      return (users) => Float64Array.from(users, (user) => mix(user, key) / 4294967296);
    },
  };
}

/**
 * Cosine of the user's TF-IDF vector and the mean of the seeds' ones. TF is 1 (tokens are a set), IDF is ln((1 + n) / (1 + df)) + 1,
 * vectors have length 1 before they are averaged. A user without tokens scores 0.
 */
export function centroidBaseline(oneHot: OneHot): Baseline {
  const idf = inverseFrequencies(oneHot);
  const { offsets, tokens, width } = oneHot;
  const norm = (user: number): number => {
    let square = 0;
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) square += idf[tokens[i]!]! ** 2;
    return Math.sqrt(square);
  };
  return {
    name: 'centroid',
    scorer: (seeds) => {
      const centroid = new Float64Array(width);
      for (const user of presentSeeds(oneHot, seeds)) {
        const length = norm(user);
        for (let i = offsets[user]!; i < offsets[user + 1]!; i++) centroid[tokens[i]!]! += idf[tokens[i]!]! / length;
      }
      let square = 0;
      for (const x of centroid) square += x * x;
      const centroidLength = Math.sqrt(square);
      for (let t = 0; t < width; t++) centroid[t]! *= idf[t]!;
      return (users) =>
        Float64Array.from(users, (user) => {
          const length = norm(user) * centroidLength;
          return length === 0 ? 0 : sumOf(centroid, oneHot, user) / length;
        });
    },
  };
}

/**
 * Logistic regression on one-hot tokens: the seeds against 10 others a seed, drawn without replacement from the population's non-seeds
 * (hidden members among them, as online), fitted to convergence. Scores are logits. `strength` is scikit-learn's C (see `chooseStrength`).
 */
export function logisticRegressionBaseline(oneHot: OneHot, strength: number): Baseline {
  return {
    name: 'logistic_regression',
    scorer: (seeds, rng) => {
      const task = drawTask(oneHot, seeds, rng);
      return logisticScorer(oneHot, task, fitLogisticRegression(task.rows, task.labels, strength));
    },
  };
}

/** Seeds and drawn negatives, on the tokens that they have. */
export interface LogisticTask {
  /** Columns are numbered by their first occurrence. */
  readonly rows: SparseRows;
  readonly labels: Uint8Array;
  /** `[rows.width]`: the one-hot token of each column. */
  readonly tokenOf: Int32Array;
}

/** Draws the task of one seed set. A token that none of its rows has would get weight 0, so it gets no column. */
export function drawTask(oneHot: OneHot, seeds: Int32Array, rng: Rng): LogisticTask {
  const positives = presentSeeds(oneHot, seeds);
  const others = nonSeeds(oneHot.users, positives);
  const drawn = sampleWithoutReplacement(rng, others.length, NEGATIVES_PER_SEED * positives.length);
  const users = Int32Array.from([...positives, ...Array.from(drawn, (i) => others[i]!)]);
  const labels = new Uint8Array(users.length).fill(1, 0, positives.length);

  const offsets = new Int32Array(users.length + 1);
  for (let i = 0; i < users.length; i++)
    offsets[i + 1] = offsets[i]! + oneHot.offsets[users[i]! + 1]! - oneHot.offsets[users[i]!]!;
  const columns = new Int32Array(offsets[users.length]!);
  const columnOf = new Int32Array(oneHot.width).fill(-1);
  const tokenOf: number[] = [];
  let at = 0;
  for (const user of users) {
    for (let i = oneHot.offsets[user]!; i < oneHot.offsets[user + 1]!; i++) {
      const token = oneHot.tokens[i]!;
      if (columnOf[token] === -1) columnOf[token] = tokenOf.push(token) - 1;
      columns[at++] = columnOf[token]!;
    }
  }
  return { rows: { offsets, columns, width: tokenOf.length }, labels, tokenOf: Int32Array.from(tokenOf) };
}

/** Scores users with a model fitted on `task`. */
export function logisticScorer(oneHot: OneHot, task: LogisticTask, model: LogisticModel): Scorer {
  const weights = new Float64Array(oneHot.width);
  for (let j = 0; j < task.tokenOf.length; j++) weights[task.tokenOf[j]!] = model.weights[j]!;
  return (users) => Float64Array.from(users, (user) => model.bias + sumOf(weights, oneHot, user));
}

/** The seeds that are in the population's version, each once, ascending: what is drawn later depends on the set alone. */
function presentSeeds(oneHot: OneHot, seeds: Int32Array): Int32Array {
  const wanted = new Set(seeds);
  const present = oneHot.users.filter((user) => wanted.has(user));
  assert(present.length > 0, 'no seed is in the population');
  return present;
}

/** `users` without `seeds`; both ascending, seeds all among the users. */
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

function sumOf(weights: Float64Array, oneHot: OneHot, user: number): number {
  let sum = 0;
  for (let i = oneHot.offsets[user]!; i < oneHot.offsets[user + 1]!; i++) sum += weights[oneHot.tokens[i]!]!;
  return sum;
}

function inverseFrequencies(oneHot: OneHot): Float64Array {
  const frequency = new Float64Array(oneHot.width);
  for (const token of oneHot.tokens) frequency[token]!++;
  const users = oneHot.users.length;
  return frequency.map((df) => Math.log((1 + users) / (1 + df)) + 1);
}

/** A 32-bit hash of a user number (MurmurHash3's finaliser). */
function mix(user: number, key: number): number {
  let h = (user ^ key) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
