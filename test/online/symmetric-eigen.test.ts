/** Properties of the dense eigen solver that we rely on: its order, its signs, and equal bits for equal matrices. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { symmetricEigen } from '../../src/online/regression/symmetric-eigen.ts';

/** M'M of `rows` random rows: symmetric, of rank `rows` at most. */
function randomGram(size: number, rows: number, key = 'gram'): Float64Array {
  const rng = createRng(key);
  const m = Array.from({ length: rows }, () => Array.from({ length: size }, () => rng.normal()));
  return Float64Array.from({ length: size * size }, (_, at) =>
    m.reduce((sum, row) => sum + row[Math.floor(at / size)]! * row[at % size]!, 0),
  );
}

const columnOf = (vectors: Float64Array, size: number, j: number): number[] =>
  Array.from({ length: size }, (_, i) => vectors[i * size + j]!);
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** The largest of |A v - lambda v| and |V'V - I|. */
function errorOf(matrix: Float64Array, size: number): number {
  const { values, vectors } = symmetricEigen(matrix, size);
  const columns = Array.from({ length: size }, (_, j) => columnOf(vectors, size, j));
  let largest = 0;
  for (const [j, vector] of columns.entries())
    for (const [i, other] of columns.entries()) {
      const row = [...matrix.subarray(i * size, (i + 1) * size)];
      const residual = dot(row, vector) - values[j]! * vector[i]!;
      largest = Math.max(largest, Math.abs(residual), Math.abs(dot(vector, other) - (i === j ? 1 : 0)));
    }
  return largest;
}

describe('symmetricEigen', () => {
  it.each([
    ['one number', 1, 1],
    ['a small one', 6, 20],
    ['one of the size that training uses', 42, 100],
    ['a rank-deficient one', 12, 5],
  ])('solves %s', (_, size, rows) => {
    expect(errorOf(randomGram(size, rows), size)).toBeLessThan(1e-11);
  });

  it('puts the largest value first', () => {
    expect([...symmetricEigen(Float64Array.of(2, 0, 0, 0, -3, 0, 0, 0, 5), 3).values]).toEqual([5, 2, -3]);
    const { values } = symmetricEigen(randomGram(20, 40), 20);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });

  it('makes the largest entry of each vector positive, the first of equal ones', () => {
    const { vectors } = symmetricEigen(Float64Array.of(2, -1, -1, 2), 2);
    const half = expect.closeTo(Math.SQRT1_2, 12);
    const minusHalf = expect.closeTo(-Math.SQRT1_2, 12);
    expect([columnOf(vectors, 2, 0), columnOf(vectors, 2, 1)]).toEqual([
      [half, minusHalf],
      [half, half],
    ]);
    for (const key of ['a', 'b', 'c', 'd']) {
      const eigen = symmetricEigen(randomGram(15, 30, key), 15);
      for (let j = 0; j < 15; j++) {
        const vector = columnOf(eigen.vectors, 15, j);
        expect(Math.max(...vector), `${key}, vector ${j}`).toBe(Math.max(...vector.map(Math.abs)));
      }
    }
  });

  it('solves matrices of zeros, of equal values, and without rows', () => {
    expect(errorOf(new Float64Array(9), 3)).toBe(0);
    expect(errorOf(Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4), 3)).toBe(0);
    expect(symmetricEigen(new Float64Array(0), 0)).toEqual({
      values: new Float64Array(0),
      vectors: new Float64Array(0),
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a matrix with an entry of %s', (entry) => {
    const matrix = randomGram(4, 8);
    matrix[5] = entry;
    expect(() => symmetricEigen(matrix, 4)).toThrow('entries that are not finite');
  });

  it('gives equal bits for equal matrices, and does not change them', () => {
    const matrix = randomGram(30, 50);
    const before = matrix.slice();
    expect(symmetricEigen(matrix, 30)).toEqual(symmetricEigen(matrix.slice(), 30));
    expect(matrix).toEqual(before);
  });

  // sums, products, quotients and square roots round the same everywhere; a release with other bits changes models
  it('gives the same bits on every machine', () => {
    const hilbert = Float64Array.from({ length: 144 }, (_, at) => 1 / (Math.floor(at / 12) + (at % 12) + 1));
    const { values, vectors } = symmetricEigen(hilbert, 12);
    const hash = createHash('sha256').update(new Uint8Array(values.buffer)).update(new Uint8Array(vectors.buffer));
    expect(hash.digest('hex')).toBe('4b29eb1507cd097d8574ab306d3c4ae63e6bbec92de7be9f4e49834901635a4b');
  });
});
