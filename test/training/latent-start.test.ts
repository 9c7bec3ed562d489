/** The truncated SVD that latent vectors start from, compared with the eigenvectors of the dense matrix. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { latentStart } from '../../src/training/meta/latent-start.ts';

/** Users as lists of tokens, by user number; `absent` numbers are in no row. */
function oneHotOf(lists: readonly (readonly number[])[], width: number, absent: readonly number[] = []): OneHot {
  const offsets = [0];
  for (const list of lists) offsets.push(offsets.at(-1)! + list.length);
  return {
    offsets: Int32Array.from(offsets),
    tokens: Int32Array.from(lists.flat()),
    width,
    users: Int32Array.from(lists.keys()).filter((user) => !absent.includes(user)),
  };
}

const WIDTH = 24;
/** Three groups of users, each with its own tokens, and noise; token 0 is nobody's and token 1 everybody's. */
const LISTS = (() => {
  const rng = createRng('lists');
  return Array.from({ length: 60 }, (_, user) => {
    const own = 2 + 6 * (user % 3);
    const chosen = Array.from({ length: WIDTH }, (__, token) => token).filter(
      (token) => token === 1 || (token > 1 && rng.uniform() < (token >= own && token < own + 6 ? 0.7 : 0.08)),
    );
    return chosen;
  });
})();
const ONE_HOT = oneHotOf(LISTS, WIDTH);
const RANK = 4;

const weights = Array.from({ length: WIDTH }, (_, token) => {
  const df = LISTS.filter((list) => list.includes(token)).length;
  return df === 0 ? 0 : Math.sqrt(Math.max(0, Math.log(LISTS.length / (df + 1))));
});
const dense = LISTS.map((list) => weights.map((w, token) => (list.includes(token) ? w : 0)));

/** Leading eigenvectors of (X diag w)^T (X diag w), by power iteration with deflation. */
function rightVectors(rank: number): { vector: number[]; singular: number }[] {
  const gram = weights.map((_, a) => weights.map((__, b) => dense.reduce((sum, row) => sum + row[a]! * row[b]!, 0)));
  return Array.from({ length: rank }, (_, j) => {
    const rng = createRng(`start ${j}`);
    let vector = weights.map(() => rng.normal());
    let value = 0;
    for (let i = 0; i < 5000; i++) {
      const next = gram.map((row) => row.reduce((sum, x, k) => sum + x * vector[k]!, 0));
      value = Math.hypot(...next);
      vector = next.map((x) => x / value);
    }
    vector.forEach((x, a) => {
      vector.forEach((y, b) => {
        gram[a]![b]! -= value * x * y;
      });
    });
    return { vector, singular: Math.sqrt(value) };
  });
}

const startOf = (key = 'key', oneHot = ONE_HOT, rank = RANK): Float32Array => latentStart(oneHot, rank, createRng(key));
const rowOf = (v: Float32Array, token: number, rank = RANK): number[] => [
  ...v.subarray(token * rank, (token + 1) * rank),
];
/** phi(u): the sum of the vectors of the user's tokens. */
const latentOf = (v: Float32Array, rank = RANK): number[][] =>
  LISTS.map((list) => Array.from({ length: rank }, (_, j) => list.reduce((sum, t) => sum + v[t * rank + j]!, 0)));

describe('latentStart', () => {
  it('is w Y up to one scale, Y the leading right singular vectors of X diag(w) up to their signs', () => {
    const v = startOf();
    const expected = rightVectors(RANK);
    const scores = dense.map((row) => expected.map(({ vector }) => row.reduce((sum, x, t) => sum + x * vector[t]!, 0)));
    // the sign of a vector is free, and the standard deviation of all entries depends on it a little
    const latent = latentOf(v);
    const signs = expected.map((_, j) => Math.sign(scores.reduce((sum, row, u) => sum + row[j]! * latent[u]![j]!, 0)));
    const flat = scores.flatMap((row) => row.map((x, j) => x * signs[j]!));
    const mean = flat.reduce((sum, x) => sum + x, 0) / flat.length;
    const scale = Math.sqrt(flat.reduce((sum, x) => sum + (x - mean) ** 2, 0) / flat.length);
    for (const [j, { vector }] of expected.entries()) {
      const own = vector.map((y, token) => (weights[token]! * y) / scale);
      const got = own.map((_, token) => v[token * RANK + j]!);
      own.forEach((x, token) => {
        expect(Math.abs(signs[j]! * got[token]! - x), `token ${token}, dimension ${j}`).toBeLessThan(0.01);
      });
    }
  });

  it('produces user vectors whose entries have standard deviation 1', () => {
    const all = latentOf(startOf()).flat();
    const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
    const deviation = Math.sqrt(all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length);
    expect(deviation).toBeCloseTo(1, 4);
  });

  it('is zero for a token that nobody has, and for one that everybody has', () => {
    const v = startOf();
    expect(weights.slice(0, 2)).toEqual([0, 0]);
    for (const token of [0, 1]) expect(rowOf(v, token)).toEqual([0, 0, 0, 0]);
    for (let token = 2; token < WIDTH; token++) expect(Math.hypot(...rowOf(v, token))).toBeGreaterThan(0.01);
  });

  it('weighs all tokens equally at power 0', () => {
    const v = latentStart(ONE_HOT, 1, createRng('key'), 0);
    // everybody's token leads, nobody's has no vector
    expect(v[0]).toBe(0);
    for (let token = 2; token < WIDTH; token++) expect(Math.abs(v[1]!)).toBeGreaterThan(Math.abs(v[token]!));
  });

  it('is fixed by its stream, and spans the same space for another one', () => {
    expect(startOf()).toEqual(startOf());
    const [one, other] = [startOf('a'), startOf('b')];
    for (let a = 2; a < WIDTH; a++)
      for (let b = 2; b < WIDTH; b++) {
        const product = (v: Float32Array) => rowOf(v, a).reduce((sum, x, j) => sum + x * rowOf(v, b)[j]!, 0);
        // the scale depends on the signs through the mean
        expect(Math.abs(product(one) - product(other))).toBeLessThan(0.05);
      }
  });

  it('leaves dimensions that the matrix lacks at zero', () => {
    // two kinds of users: rank 2
    const oneHot = oneHotOf([[0], [0], [1], [1], [0], [1], [], []], 3, [6]);
    const v = startOf('few', oneHot, 5);
    expect(v.length).toBe(15);
    expect([...v].every(Number.isFinite)).toBe(true);
    for (const token of [0, 1]) {
      expect(rowOf(v, token, 5).slice(2)).toEqual([0, 0, 0]);
      expect(Math.hypot(...rowOf(v, token, 5))).toBeGreaterThan(0.1);
    }
    expect(rowOf(v, 2, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  it('is all zero when no token tells users apart', () => {
    expect([...startOf('same', oneHotOf([[0], [0], [0]], 2), 3)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
