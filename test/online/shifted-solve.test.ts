/** Shifted systems that share one Krylov space, compared with Gaussian elimination of each. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { covarianceOf, momentsOf } from '../../src/online/regression/covariance.ts';
import { LANES, RowProducts } from '../../src/online/regression/products.ts';
import { solveShifted, solveSideBySide } from '../../src/online/regression/shifted-solve.ts';
import {
  covarianceByHand,
  denseOf,
  drawRows,
  furthest,
  operatorOf,
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

describe('solveShifted', () => {
  const sigmas = [0.15, 0.005, 1, 0.00002, 0.015].map((strength) => strength * trace);

  it('solves every system as Gaussian elimination does, in the order of the shifts', () => {
    const solutions = solveShifted(operatorOf(g), b, sigmas, 1e-11);
    expect(solutions).toHaveLength(sigmas.length);
    for (const [i, sigma] of sigmas.entries()) {
      const expected = solve(plusDiagonal(g, sigma), [...b]);
      expect(furthest(solutions[i]!, expected) / sizeOf(expected), `${sigma}`).toBeLessThan(1e-8);
    }
  });

  it('stops each at the requested residual, and applies the matrix once per step for all', () => {
    const counts = [1e-2, 1e-4, 1e-8].map((tolerance) => {
      const operator = operatorOf(g);
      const solutions = solveShifted(operator, b, sigmas, tolerance);
      for (const [i, sigma] of sigmas.entries()) {
        const own = residual(solutions[i]!, sigma);
        expect(own).toBeLessThan(1.01 * tolerance);
        // exact solutions would mean that the tolerance has no effect
        if (tolerance > 1e-4) expect(own).toBeGreaterThan(1e-12);
      }
      return operator.applied;
    });
    expect(counts[0]).toBeLessThan(counts[1]!);
    expect(counts[1]).toBeLessThan(counts[2]!);
    expect(counts[2]).toBeLessThanOrEqual(WIDTH + 5);
    const heavy = operatorOf(g);
    solveShifted(heavy, b, [trace]);
    expect(heavy.applied).toBeLessThan(counts[1]!);
  });

  it('solves a system the same way alone and among others', () => {
    const among = solveShifted(operatorOf(g), b, sigmas);
    for (const [i, sigma] of sigmas.entries()) expect(solveShifted(operatorOf(g), b, [sigma])[0]).toEqual(among[i]);
  });

  it('is zero for b = 0, without looking at the matrix', () => {
    const operator = operatorOf(g);
    const zero = new Float64Array(WIDTH);
    expect(solveShifted(operator, zero, [1, 2])).toEqual([zero, zero]);
    expect(operator.applied).toBe(0);
  });

  it('returns no solutions when there are no shifts', () => {
    expect(solveShifted(operatorOf(g), b, [])).toEqual([]);
  });

  it.each([
    [1, 1],
    [3, 3],
  ])('ends after %i steps, exactly, if b is a sum of that many eigenvectors', (count, steps) => {
    const eigenvalues = Array.from({ length: 12 }, (_, t) => 1 / (1 + t));
    const diagonal = eigenvalues.map((value, t) => eigenvalues.map((_, s) => (s === t ? value : 0)));
    const own = Float64Array.from(eigenvalues, (_, t) => (t < count ? 1 + t : 0));
    const operator = operatorOf(diagonal);
    const [w] = solveShifted(operator, own, [0.01], 1e-13);
    expect(operator.applied).toBeLessThanOrEqual(steps + 1);
    expect(
      furthest(
        w!,
        eigenvalues.map((value, t) => own[t]! / (value + 0.01)),
      ),
    ).toBeLessThan(1e-10);
  });

  it.each([
    ['rank 2', 2],
    ['rank 0', 0],
  ])('solves for a matrix of %s: what it does not span is divided by sigma', (_, rank) => {
    const factors = Array.from({ length: rank }, () => Array.from({ length: WIDTH }, () => rng.normal()));
    const low = g.map((row, s) => row.map((__, t) => factors.reduce((sum, f) => sum + f[s]! * f[t]!, 0)));
    const operator = operatorOf(low);
    const terms = [0.1, 10];
    const solutions = solveShifted(operator, b, terms, 1e-12);
    for (const [i, sigma] of terms.entries()) expect(residual(solutions[i]!, sigma, low)).toBeLessThan(1e-9);
    expect(operator.applied).toBeLessThanOrEqual(rank + 2);
  });

  it('gets close within the maximum number of steps when the tolerance cannot be met', () => {
    const operator = operatorOf(g);
    const [w] = solveShifted(operator, b, [0.01 * trace], 0);
    expect(operator.applied).toBeLessThanOrEqual(100);
    expect(residual(w!, 0.01 * trace)).toBeLessThan(1e-9);
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
      systems.map(({ covariance, b: own, sigmas }) => solveShifted(covariance, own, sigmas)),
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

  it('does nothing for no systems', () => {
    expect(counted(() => solveSideBySide(products, [], () => expect.unreachable()))[0]).toBe(0);
  });
});
