/**
 * The whole-population regression by tokens and users: ways to represent its covariance, the cost of a solve, and the
 * loss of accuracy.
 */

import { createRng, sampleWithoutReplacement } from '../../src/lib/rng.ts';
import {
  addRows,
  type ColumnSums,
  type Covariance,
  covarianceOf,
  emptySums,
  type Moments,
  momentsOf,
} from '../../src/online/regression/covariance.ts';
import {
  fitSideBySide,
  MOST_FEATURES,
  populationRegression,
} from '../../src/online/regression/population-regression.ts';
import { RowProducts } from '../../src/online/regression/products.ts';
import { solveShifted } from '../../src/online/regression/shifted-solve.ts';
import { meanOfRows, multiplySparseRows, type SparseRows } from '../../src/online/regression/sparse-rows.ts';
import { symmetricEigen } from '../../src/online/regression/symmetric-eigen.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';

const SIZES = [
  { users: 10_000, tokens: 1_000 },
  { users: 10_000, tokens: 10_000 },
  { users: 10_000, tokens: 300_000 },
  { users: 1_000_000, tokens: 1_000 },
  { users: 1_000_000, tokens: 10_000 },
  { users: 1_000_000, tokens: 300_000 },
] as const;
/** The last one is the service's limit. */
const SAMPLES = [2_000_000, MOST_FEATURES] as const;
const RANKS = [32, 128] as const;
/** A block of 128 vectors over more tokens takes minutes. */
const MOST_BLOCK = 16_000_000;
const SEEDS = 50;
const CAMPAIGNS = 12;
const POWER = 0.25;
const STRENGTH = 0.05;
const TOKENS_A_USER = 20;
const NICHES = 400;

export async function benchRegression(): Promise<readonly string[]> {
  return SIZES.flatMap(({ users, tokens }) => compareAt(users, tokens));
}

interface Way {
  readonly name: string;
  /** Seconds of preparation. */
  readonly ready: number;
  solve(difference: Float64Array, sigma: number): Float64Array;
}

function compareAt(users: number, tokens: number): string[] {
  const { rows, niches } = world(users, tokens);
  const sums = emptySums(tokens);
  addRows(sums, rows);
  const moments = momentsOf(sums, POWER);
  const whole = covarianceOf(new RowProducts(rows), moments);
  const ways: Way[] = [
    solving('all users', 0, whole),
    ...SAMPLES.filter((features) => features < rows.columns.length).map((features) => {
      const [seconds, covariance] = timed(() => covarianceOf(new RowProducts(evenly(rows, features)), moments));
      return solving(`users with ${features / 1e6}M features`, seconds, covariance);
    }),
    ...RANKS.filter((rank) => (rank + 10) * tokens <= MOST_BLOCK).map((rank) => lowRank(rank, whole, moments)),
  ];
  const sigma = STRENGTH * moments.trace;
  const trials = Array.from({ length: CAMPAIGNS }, (_, campaign) => trialOf(niches, campaign));
  const exact: Float64Array[] = [];
  const compared = ways.map(({ name, ready, solve }) => {
    let seconds = 0;
    let auc = 0;
    let correlation = 0;
    for (const [i, { seeds, users: ranked, labels }] of trials.entries()) {
      const mean = meanOfRows(rows, seeds);
      const difference = mean.map((value, t) => moments.scale[t]! * value - moments.mean[t]!);
      const [taken, weights] = timed(() => solve(difference, sigma));
      seconds += taken / trials.length;
      const all = multiplySparseRows(
        rows,
        weights.map((weight, t) => moments.scale[t]! * weight),
      );
      const scores = Float64Array.from(ranked, (user) => all[user]!);
      exact[i] ??= scores;
      correlation += correlationOf(scores, exact[i]) / trials.length;
      auc += measureRanking(ranked, scores, labels).auc / trials.length;
    }
    return (
      `${users} users, ${tokens} tokens, ${name}: ready in ${ready.toFixed(2)} s, a solve ` +
      `${(1000 * seconds).toFixed(1)} ms, AUC ${auc.toFixed(4)}, scores correlate ${correlation.toFixed(4)} ` +
      'with all users'
    );
  });
  return [...compared, expansionFits(rows, sums, trials[0]!.seeds)];
}

/** The fits of an expansion: those of the audience and of five folds, with two regressions at two powers each. */
function expansionFits(rows: SparseRows, sums: ColumnSums, seeds: Int32Array): string {
  const products = new RowProducts(rows.columns.length > MOST_FEATURES ? evenly(rows, MOST_FEATURES) : rows);
  const regressions = [0, POWER].map((power) => populationRegression(products, sums, power));
  const sets = [seeds, ...[0, 1, 2, 3, 4].map((fold) => seeds.filter((_, place) => place % 5 !== fold))];
  const wanted = sets.flatMap((set) => {
    const of = [meanOfRows(rows, set), set.length, [0.005, STRENGTH]] as const;
    return regressions.map((regression) => ({ regression, of }));
  });
  const [alone, together] = [
    () => wanted.map(({ regression, of }) => regression.fit(...of)),
    () =>
      fitSideBySide(
        products,
        wanted.map(({ regression, of }) => regression.plan(...of)),
      ),
  ].map((work) => Math.min(...Array.from({ length: 5 }, () => timed(work)[0])));
  return (
    `${rows.starts.length - 1} users, ${rows.width} tokens, the 24 regressions of an expansion: ` +
    `${(1000 * alone!).toFixed(0)} ms one after the other, ${(1000 * together!).toFixed(0)} ms side by side`
  );
}

function solving(name: string, ready: number, covariance: Covariance): Way {
  return { name, ready, solve: (difference, sigma) => solveShifted(covariance, difference, [sigma])[0]! };
}

/** G ~ U diag(l) U' + diag(d), with d the missing part of the diagonal; solved by Woodbury's identity. */
function lowRank(rank: number, covariance: Covariance, { variance }: Moments): Way {
  const [ready, { vectors, values }] = timed(() => leadingEigen(covariance, rank));
  const { width } = covariance;
  const rest = variance.slice();
  for (let t = 0; t < width; t++) for (let j = 0; j < rank; j++) rest[t]! -= values[j]! * vectors[t * rank + j]! ** 2;
  return {
    name: `rank ${rank}`,
    ready,
    solve(difference, sigma) {
      const diagonal = rest.map((x) => Math.max(x, 0) + sigma);
      const inner = new Float64Array(rank * rank);
      const right = new Float64Array(rank);
      for (let t = 0; t < width; t++) {
        const at = t * rank;
        for (let a = 0; a < rank; a++) {
          const x = vectors[at + a]! / diagonal[t]!;
          right[a]! += x * difference[t]!;
          for (let b = 0; b <= a; b++) inner[a * rank + b]! += x * vectors[at + b]!;
        }
      }
      for (let a = 0; a < rank; a++) inner[a * rank + a]! += 1 / Math.max(values[a]!, 1e-15);
      const y = solveCholesky(inner, right);
      return difference.map((value, t) => {
        let sum = 0;
        for (let j = 0; j < rank; j++) sum += vectors[t * rank + j]! * y[j]!;
        return (value - sum) / diagonal[t]!;
      });
    },
  };
}

/** The leading eigenvectors, `[width, rank]`, by subspace iteration with a Rayleigh-Ritz step. */
function leadingEigen(covariance: Covariance, rank: number): { vectors: Float64Array; values: Float64Array } {
  const { width } = covariance;
  const count = Math.min(rank + 10, width);
  const rng = createRng('subspace');
  let block: Float64Array[] = Array.from({ length: count }, () =>
    Float64Array.from({ length: width }, () => rng.normal()),
  );
  const applied = block.map(() => new Float64Array(width));
  for (let round = 0; round < 4; round++) {
    block = orthonormal(block);
    block.forEach((vector, j) => {
      covariance.apply(vector, applied[j]!);
    });
    if (round < 3) block = applied.map((vector) => vector.slice());
  }
  const small = new Float64Array(count * count);
  for (let a = 0; a < count; a++) for (let b = 0; b < count; b++) small[a * count + b] = dot(block[a]!, applied[b]!);
  const { values, vectors } = symmetricEigen(small, count);
  const out = new Float64Array(width * rank);
  for (let j = 0; j < Math.min(rank, count); j++)
    for (let c = 0; c < count; c++)
      for (let t = 0; t < width; t++) out[t * rank + j]! += block[c]![t]! * vectors[c * count + j]!;
  return { vectors: out, values: values.slice(0, rank) };
}

function orthonormal(block: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of block) {
    for (let pass = 0; pass < 2; pass++)
      for (const other of done) {
        const along = dot(vector, other);
        for (let t = 0; t < vector.length; t++) vector[t]! -= along * other[t]!;
      }
    const norm = Math.sqrt(dot(vector, vector)) || 1;
    done.push(vector.map((x) => x / norm));
  }
  return done;
}

/** Solves with the lower triangle of a positive definite matrix. */
function solveCholesky(lower: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  for (let a = 0; a < size; a++)
    for (let b = 0; b <= a; b++) {
      let sum = lower[a * size + b]!;
      for (let k = 0; k < b; k++) sum -= lower[a * size + k]! * lower[b * size + k]!;
      lower[a * size + b] = a === b ? Math.sqrt(sum) : sum / lower[b * size + b]!;
    }
  const y = right.slice();
  for (let a = 0; a < size; a++) {
    for (let k = 0; k < a; k++) y[a]! -= lower[a * size + k]! * y[k]!;
    y[a]! /= lower[a * size + a]!;
  }
  for (let a = size - 1; a >= 0; a--) {
    for (let k = a + 1; k < size; k++) y[a]! -= lower[k * size + a]! * y[k]!;
    y[a]! /= lower[a * size + a]!;
  }
  return y;
}

/** Users have tokens of two niches each and some common ones; popularity falls as 1 / rank. */
function world(users: number, tokens: number): { rows: SparseRows; niches: Int32Array } {
  const rng = createRng(`world/${users}/${tokens}`);
  const niches = new Int32Array(2 * users);
  const starts = new Int32Array(users + 1);
  const columns = new Int32Array(users * TOKENS_A_USER);
  const values = new Float32Array(columns.length);
  const lastUser = new Int32Array(tokens).fill(-1);
  const own = Math.floor(tokens / NICHES);
  let at = 0;
  for (let user = 0; user < users; user++) {
    for (let i = 0; i < 2; i++) niches[2 * user + i] = Math.floor(NICHES * rng.uniform() ** 2);
    for (let i = 0; i < TOKENS_A_USER; i++) {
      const popular = Math.floor(tokens ** rng.uniform()) - 1;
      const isOwn = rng.uniform() < 0.4;
      const niche = niches[2 * user + (i % 2)]!;
      const token = isOwn && own > 0 ? niche + NICHES * Math.floor(own ** rng.uniform() - 1) : popular;
      if (lastUser[token] === user) continue;
      lastUser[token] = user;
      columns[at++] = token;
    }
    starts[user + 1] = at;
    values.fill(1 / Math.sqrt(at - starts[user]!), starts[user]!, at);
  }
  return { rows: { width: tokens, starts, columns: columns.slice(0, at), values: values.slice(0, at) }, niches };
}

/** Most members have one of three niches; some have none of them. */
function trialOf(niches: Int32Array, campaign: number): { seeds: Int32Array; users: Int32Array; labels: Uint8Array } {
  const rng = createRng(`campaign/${campaign}`);
  const liked = new Set(Array.from({ length: 3 }, () => Math.floor(NICHES * rng.uniform() ** 2)));
  const count = niches.length / 2;
  const isMember = (user: number) => {
    const hits = Number(liked.has(niches[2 * user]!)) + Number(liked.has(niches[2 * user + 1]!));
    return rng.uniform() < 0.005 + 0.4 * hits;
  };
  const members = Int32Array.from({ length: count }, (_, user) => user).filter(isMember);
  const chosen = new Set(sampleWithoutReplacement(rng, members.length, SEEDS).map((i) => members[i]!));
  const known = new Set(members);
  const users = Int32Array.from({ length: Math.min(count, 100_000) }, (_, user) => user).filter(
    (user) => !chosen.has(user),
  );
  return { seeds: Int32Array.from(chosen), users, labels: Uint8Array.from(users, (user) => (known.has(user) ? 1 : 0)) };
}

/** Rows evenly spread over all, with about this many features. */
function evenly({ width, starts, columns, values }: SparseRows, features: number): SparseRows {
  const all = starts.length - 1;
  const count = Math.floor((all * features) / columns.length);
  const from = Array.from({ length: count }, (_, i) => Math.floor((i * all) / count));
  const ends = new Int32Array(count + 1);
  for (const [i, row] of from.entries()) ends[i + 1] = ends[i]! + starts[row + 1]! - starts[row]!;
  const own = { columns: new Int32Array(ends[count]!), values: new Float32Array(ends[count]!) };
  for (const [i, row] of from.entries()) {
    own.columns.set(columns.subarray(starts[row]!, starts[row + 1]!), ends[i]!);
    own.values.set(values.subarray(starts[row]!, starts[row + 1]!), ends[i]!);
  }
  return { width, starts: ends, ...own };
}

function timed<T>(work: () => T): [seconds: number, value: T] {
  const start = performance.now();
  const value = work();
  return [(performance.now() - start) / 1000, value];
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function correlationOf(a: Float64Array, b: Float64Array): number {
  const centred = (x: Float64Array): Float64Array => {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    return x.map((value) => value - mean);
  };
  const [own, other] = [centred(a), centred(b)];
  return dot(own, other) / Math.sqrt(dot(own, own) * dot(other, other));
}
