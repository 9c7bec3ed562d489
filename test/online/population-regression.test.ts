/** The whole-population regression compared with its formula in plain matrices. */
import { describe, expect, it } from 'vitest';
import { fitSideBySide, populationRegression } from '../../src/online/regression/population-regression.ts';
import { RowProducts } from '../../src/online/regression/products.ts';
import { meanOfRows, type SparseRows } from '../../src/online/regression/sparse-rows.ts';
import {
  covarianceByHand,
  denseOf,
  drawRows,
  furthest,
  type Matrix,
  meanOf,
  plusDiagonal,
  scaled,
  scaleOf,
  solve,
  sparseOf,
  sumsOf,
} from '../onnx-grad/descent/dense.ts';

const WIDTH = 12;
const rows = drawRows(80, WIDTH);
const x = denseOf(rows);
const SEEDS = Int32Array.of(3, 4, 17, 40, 41, 66, 79);

/** c (G + sigma I)^-1 (mean of the seeds - mean of all), of rows scaled by c. */
function byHand(of: Matrix, seeds: number, strength: number, power: number): number[] {
  const scale = scaleOf(of, power);
  const own = scaled(of, scale);
  const g = covarianceByHand(own);
  const sigma = strength * g.reduce((sum, row, t) => sum + row[t]!, 0) * Math.sqrt(50 / seeds);
  const all = meanOf(own);
  const difference = meanOf(Array.from(SEEDS, (seed) => own[seed]!)).map((value, t) => value - all[t]!);
  return solve(plusDiagonal(g, sigma), difference).map((weight, t) => scale[t]! * weight);
}

const PRIOR_SCALE = scaleOf(x, 0.25);
/** Two orthogonal directions in the coordinates of power .25, of lengths 1 and .5; the last column has no row. */
const DIRECTIONS = [
  [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].map((u) => u / Math.sqrt(2)),
  [0, 0, 1, -1, 1, 0, 0, 0, 0, 0, 0, 0].map((u) => (0.5 * u) / Math.sqrt(3)),
];
const PRIOR = {
  rank: 2,
  width: WIDTH,
  directions: Float32Array.from(DIRECTIONS.flatMap((u) => u.map((value, t) => value * PRIOR_SCALE[t]!))),
};

/** c (G + sigma C^-1)^-1 (difference), C = I + strength tr(G) sum of u u': C^-1 is diagonal along the directions. */
function byHandWithPrior(of: Matrix, seeds: number, strength: number, prior: number): number[] {
  const own = scaled(of, PRIOR_SCALE);
  const g = covarianceByHand(own);
  const trace = g.reduce((sum, row, t) => sum + row[t]!, 0);
  const sigma = strength * trace * Math.sqrt(50 / seeds);
  const penalised = plusDiagonal(g, sigma).map((row) => [...row]);
  for (const u of DIRECTIONS) {
    const square = u.reduce((sum, value) => sum + value * value, 0);
    const lifted = 1 / (1 + prior * trace * square) - 1;
    for (let s = 0; s < WIDTH; s++)
      for (let t = 0; t < WIDTH; t++) penalised[s]![t]! += (sigma * lifted * u[s]! * u[t]!) / square;
  }
  const all = meanOf(own);
  const difference = meanOf(Array.from(SEEDS, (seed) => own[seed]!)).map((value, t) => value - all[t]!);
  return solve(penalised, difference).map((weight, t) => PRIOR_SCALE[t]! * weight);
}

/** The regression on its own rows, fitted at once. */
function regressionOf(own: SparseRows, power: number) {
  const products = new RowProducts(own);
  const { plan } = populationRegression(products, sumsOf(own), power);
  return (...of: Parameters<typeof plan>) => fitSideBySide(products, [plan(...of)])[0]!;
}

const close = (weights: Float64Array, expected: readonly number[]): void => {
  // the solver stops at a residual of 1e-4
  expect(furthest(weights, expected)).toBeLessThan(1e-3 * Math.max(...expected.map(Math.abs)));
};

describe('populationRegression', () => {
  it.each([0, 0.125, 0.5])('returns the weights of the formula for every strength, at power %d', (power) => {
    const strengths = [0.05, 0.005, 1];
    const fitted = regressionOf(rows, power)(meanOfRows(rows, SEEDS), 7, strengths);
    expect(fitted).toHaveLength(3);
    for (const [i, strength] of strengths.entries()) close(fitted[i]!, byHand(x, 7, strength, power));
    expect(fitted[0]![WIDTH - 1]).toBe(0);
  });

  it('shrinks less with more seeds, by the root of their number', () => {
    const weightsFor = regressionOf(rows, 0);
    const mean = meanOfRows(rows, SEEDS);
    for (const seeds of [7, 50, 5000]) close(weightsFor(mean, seeds, [0.05])[0]!, byHand(x, seeds, 0.05, 0));
    expect(weightsFor(mean, 200, [0.05])).toEqual(weightsFor(mean, 50, [0.025]));
  });

  it('fits without a column as if nobody had it', () => {
    for (const column of [0, 5]) {
      const bare = x.map((row) => row.map((value, t) => (t === column ? 0 : value)));
      const kept = sparseOf(
        bare.map((row) => row.flatMap((value, t): [number, number][] => (value === 0 ? [] : [[t, value]]))),
        WIDTH,
      );
      const [weights] = regressionOf(rows, 0.125)(meanOfRows(rows, SEEDS), 7, [0.05], {
        without: column,
      });
      expect(weights![column]).toBe(0);
      close(weights!, byHand(bare, 7, 0.05, 0.125));
      const [expected] = regressionOf(kept, 0.125)(meanOfRows(kept, SEEDS), 7, [0.05]);
      expect(furthest(weights!, [...expected!])).toBeLessThan(1e-12);
      const [whole] = regressionOf(rows, 0.125)(meanOfRows(rows, SEEDS), 7, [0.05]);
      expect(furthest(weights!, [...whole!])).toBeGreaterThan(0.01);
    }
  });

  it('has zero weights when the seeds are like everybody, or everybody is the same', () => {
    const [everybody] = regressionOf(rows, 0.125)(Float64Array.from(meanOf(x)), 80, [0.05]);
    expect(Math.max(...everybody!.map(Math.abs))).toBeLessThan(1e-9);
    for (const value of [0.1, 1 / Math.sqrt(3), 1]) {
      const same = sparseOf(
        Array.from({ length: 30 }, () => [0, 2, 3].map((t): [number, number] => [t, value])),
        WIDTH,
      );
      const weightsFor = regressionOf(same, 0.125);
      for (const seeds of [[0], [1, 2, 3, 4, 5, 6, 7]]) {
        const own = Int32Array.from(seeds);
        const [weights] = weightsFor(meanOfRows(same, own), own.length, [0.015]);
        expect([...weights!], `${value}, ${own.length}`).toEqual(new Array(WIDTH).fill(0));
      }
    }
  });

  it('shrinks less along the directions of a prior, by its formula', () => {
    const weightsFor = regressionOf(rows, 0.25);
    const mean = meanOfRows(rows, SEEDS);
    for (const strength of [0.5, 4, 100]) {
      const fitted = weightsFor(mean, 7, [0.05, 1], { prior: { of: PRIOR, strength } });
      close(fitted[0]!, byHandWithPrior(x, 7, 0.05, strength));
      close(fitted[1]!, byHandWithPrior(x, 7, 1, strength));
    }
    const [without] = weightsFor(mean, 7, [1]);
    const [drawn] = weightsFor(mean, 7, [1], { prior: { of: PRIOR, strength: 100 } });
    const alongOf = (weights: Float64Array) =>
      DIRECTIONS[0]!.reduce((sum, u, t) => sum + (PRIOR_SCALE[t] === 0 ? 0 : (u * weights[t]!) / PRIOR_SCALE[t]!), 0);
    expect(Math.abs(alongOf(drawn!))).toBeGreaterThan(2 * Math.abs(alongOf(without!)));
  });

  it('has no prior for a column that is left out', () => {
    const prior = { of: PRIOR, strength: 4 };
    const weightsFor = regressionOf(rows, 0.25);
    const [weights] = weightsFor(meanOfRows(rows, SEEDS), 7, [0.05], { without: 0, prior });
    expect(weights![0]).toBe(0);
    expect(Math.abs(weights![1]!)).toBeGreaterThan(0);
  });
});

describe('fitSideBySide', () => {
  it('fits side by side as one after the other, whatever the powers, priors, excluded columns and means', () => {
    const products = new RowProducts(rows);
    const regressions = [0, 0.25].map((power) => populationRegression(products, sumsOf(rows), power));
    const sets = [SEEDS, SEEDS.subarray(2), Int32Array.of(1, 2, 5, 60)];
    const options = [
      {},
      { prior: { of: PRIOR, strength: 4 } },
      { without: 5 },
      { without: 0, prior: { of: PRIOR, strength: 1 }, otherMean: meanOfRows(rows, Int32Array.of(8, 9, 10)) },
    ];
    const wanted = sets.flatMap((set) =>
      regressions.flatMap((regression) =>
        options.map((own) => ({ regression, of: [meanOfRows(rows, set), set.length, [0.05, 0.5], own] as const })),
      ),
    );
    const expected = wanted.map(({ regression, of }) => fitSideBySide(products, [regression.plan(...of)])[0]!);
    const fits = wanted.map(({ regression, of }) => regression.plan(...of));
    expect(fitSideBySide(products, fits)).toEqual(expected);
    expect(fitSideBySide(products, fits.toReversed())).toEqual(expected.toReversed());
    expect(new Set(expected.flat().map((weights) => weights.join())).size).toBe(48);
  });
});
