/** Shifted systems that share one Krylov space, compared with Gaussian elimination of each. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { type Covariance, covarianceOf, momentsOf } from '../../src/online/regression/covariance.ts';
import { LANES, RowProducts } from '../../src/online/regression/products.ts';
import { solveSideBySide } from '../../src/online/regression/shifted-solve.ts';
import {
  covarianceByHand,
  denseOf,
  drawRows,
  furthest,
  type Matrix,
  plusDiagonal,
  solve,
  sumsOf,
  times,
} from '../onnx-grad/descent/dense.ts';

const WIDTH = 30;
const g = covarianceByHand(denseOf(drawRows(200, WIDTH)));
const trace = g.reduce((sum, row, t) => sum + row[t]!, 0);
const rng = createRng('b');
const b = Float64Array.from({ length: WIDTH }, () => rng.normal());
const sizeOf = (v: Iterable<number>) => Math.hypot(...v);
const residual = (w: Float64Array, sigma: number, of = g, right = b) =>
  sizeOf(times(plusDiagonal(of, sigma), [...w]).map((value, t) => value - right[t]!)) / sizeOf(right);

/** The solutions of one system, and the number of times that the matrix was applied. */
function solveAlone(matrix: Matrix, right: Float64Array, sigmas: readonly number[]) {
  let applied = 0;
  const covariance: Covariance = {
    width: matrix.length,
    before: () => undefined,
    after(v, _, out) {
      applied += 1;
      out.set(times(matrix, [...v]));
    },
  };
  const solutions: Float64Array[] = [];
  const products = new RowProducts(drawRows(1, matrix.length));
  solveSideBySide(products, [() => ({ covariance, b: right, sigmas })], (_, solved) => solutions.push(...solved));
  return { solutions, applied };
}

describe('one system', () => {
  const sigmas = [0.15, 0.005, 1, 0.00002, 0.015].map((strength) => strength * trace);

  it('is solved for each shift to a residual of 1e-4, with one application of the matrix per step for all', () => {
    const { solutions, applied } = solveAlone(g, b, sigmas);
    expect(solutions).toHaveLength(sigmas.length);
    for (const [i, sigma] of sigmas.entries()) expect(residual(solutions[i]!, sigma), `${sigma}`).toBeLessThan(1.01e-4);
    expect(applied).toBeLessThanOrEqual(WIDTH + 5);
    expect(solveAlone(g, b, [trace]).applied).toBeLessThan(applied);
    for (const [i, sigma] of sigmas.entries()) expect(solveAlone(g, b, [sigma]).solutions[0]).toEqual(solutions[i]);
  });

  it('is zero for b = 0, without looking at the matrix, and has no solutions without shifts', () => {
    const zero = new Float64Array(WIDTH);
    expect(solveAlone(g, zero, [1, 2])).toEqual({ solutions: [zero, zero], applied: 0 });
    expect(solveAlone(g, b, []).solutions).toEqual([]);
  });

  it.each([1, 3])('ends after %i steps, exactly, if b is a sum of that many eigenvectors', (count) => {
    const eigenvalues = Array.from({ length: 12 }, (_, t) => 1 / (1 + t));
    const diagonal = eigenvalues.map((value, t) => eigenvalues.map((_, s) => (s === t ? value : 0)));
    const own = Float64Array.from(eigenvalues, (_, t) => (t < count ? 1 + t : 0));
    const { solutions, applied } = solveAlone(diagonal, own, [0.01]);
    expect(applied).toBeLessThanOrEqual(count + 1);
    const exact = eigenvalues.map((value, t) => own[t]! / (value + 0.01));
    expect(furthest(solutions[0]!, exact)).toBeLessThan(1e-10);
  });

  it.each([2, 0])('is solved for a matrix of rank %i: what it does not span is divided by sigma', (rank) => {
    const factors = Array.from({ length: rank }, () => Array.from({ length: WIDTH }, () => rng.normal()));
    const low = g.map((row, s) => row.map((__, t) => factors.reduce((sum, f) => sum + f[s]! * f[t]!, 0)));
    const { solutions, applied } = solveAlone(low, b, [0.1, 10]);
    for (const [i, sigma] of [0.1, 10].entries()) {
      const expected = solve(plusDiagonal(low, sigma), [...b]);
      expect(furthest(solutions[i]!, expected) / sizeOf(expected)).toBeLessThan(1e-9);
    }
    expect(applied).toBeLessThanOrEqual(rank + 2);
  });
});

describe('solveSideBySide', () => {
  /** Counts passes over the rows. */
  class CountedProducts extends RowProducts {
    passes = 0;
    override multiply(of: number): void {
      this.passes += 1;
      super.multiply(of);
    }
  }

  const rows = drawRows(200, WIDTH);
  const products = new CountedProducts(rows);
  const covariances = [0, 0.25].map((power) => covarianceOf(products, momentsOf(sumsOf(rows), power)));
  /** Some take few steps, some many, and one none. */
  const systems = Array.from({ length: 11 }, (_, i) => ({
    covariance: covariances[i % 2]!,
    b: Float64Array.from({ length: WIDTH }, () => (i === 4 ? 0 : rng.normal())),
    sigmas: [0.3, 10 ** -(i % 4)],
  }));
  const counted = <T>(work: () => T): [passes: number, value: T] => {
    const before = products.passes;
    const value = work();
    return [products.passes - before, value];
  };

  it('returns the same bits as each solved alone, with a quarter of the passes', () => {
    const [alone, expected] = counted(() =>
      systems.map((system) => {
        let own: Float64Array[] = [];
        solveSideBySide(products, [() => system], (_, solutions) => {
          own = solutions;
        });
        return own;
      }),
    );
    const solved: Float64Array[][] = [];
    const [passes] = counted(() =>
      solveSideBySide(
        products,
        systems.map((system) => () => system),
        (i, solutions) => {
          expect(solved[i]).toBeUndefined();
          solved[i] = solutions;
        },
      ),
    );
    expect(solved).toEqual(expected);
    expect(expected.flat().filter((w) => w.every((x) => x === 0))).toHaveLength(2);
    expect(passes).toBeLessThan(alone / 3);
  });

  it('runs no more at once than there are lanes', () => {
    let [underWay, most] = [0, 0];
    solveSideBySide(
      products,
      systems.map((system) => () => {
        underWay += 1;
        most = Math.max(most, underWay);
        return system;
      }),
      () => {
        underWay -= 1;
      },
    );
    expect([underWay, most]).toEqual([0, LANES]);
  });
});
