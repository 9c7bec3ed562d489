/**
 * The covariance as an operator is the covariance matrix, of all rows and, but for what a sample cannot say, of a
 * sample.
 */
import { describe, expect, it } from 'vitest';
import { addRows, covarianceOf, emptySums, momentsOf, withoutColumn } from '../../src/online/regression/covariance.ts';
import { RowProducts } from '../../src/online/regression/products.ts';
import { multiplySparseRows } from '../../src/online/regression/sparse-rows.ts';
import {
  applied,
  covarianceByHand,
  denseOf,
  drawRows,
  furthest,
  meanOf,
  scaled,
  scaleOf,
  sparseOf,
  sumsOf,
  times,
  writtenOut,
} from '../onnx-grad/descent/dense.ts';

const WIDTH = 9;
const rows = drawRows(60, WIDTH);
const x = denseOf(rows);
const products = new RowProducts(rows);

describe('addRows', () => {
  it('adds up to the same over parts as over the whole, including rows without features', () => {
    const sums = emptySums(WIDTH);
    for (const key of ['one', 'two']) addRows(sums, drawRows(30, WIDTH, key));
    const both = [...denseOf(drawRows(30, WIDTH, 'one')), ...denseOf(drawRows(30, WIDTH, 'two'))];
    expect(both.some((row) => row.every((value) => value === 0))).toBe(true);
    expect(sums.rows).toBe(60);
    const byHand = (of: (value: number) => number) => meanOf(both.map((row) => row.map((value) => 60 * of(value))));
    expect(
      furthest(
        sums.counts,
        byHand((value) => (value === 0 ? 0 : 1)),
      ),
    ).toBeLessThan(1e-9);
    expect(
      furthest(
        sums.sums,
        byHand((value) => value),
      ),
    ).toBeLessThan(1e-9);
    expect(
      furthest(
        sums.squares,
        byHand((value) => value ** 2),
      ),
    ).toBeLessThan(1e-9);
  });
});

describe('momentsOf', () => {
  it.each([0, 0.125, 1])('are those of columns scaled by their frequency to the power of -%d', (power) => {
    const moments = momentsOf(sumsOf(rows), power);
    const scale = scaleOf(x, power);
    const own = scaled(x, scale);
    const variance = covarianceByHand(own).map((row, t) => row[t]!);
    expect(furthest(moments.scale, scale)).toBeLessThan(1e-12);
    expect(furthest(moments.mean, meanOf(own))).toBeLessThan(1e-12);
    expect(furthest(moments.variance, variance)).toBeLessThan(1e-12);
    expect(moments.trace).toBeCloseTo(
      variance.reduce((a, b) => a + b, 0),
      12,
    );
    // nobody has the last column
    expect([moments.scale, moments.mean, moments.variance].map((each) => each[WIDTH - 1])).toEqual([0, 0, 0]);
  });
});

describe('covarianceOf', () => {
  it.each([0, 0.25])('is the covariance matrix of the scaled rows, at power %d', (power) => {
    const written = writtenOut(products, covarianceOf(products, momentsOf(sumsOf(rows), power)));
    const expected = covarianceByHand(scaled(x, scaleOf(x, power)));
    written.forEach((row, s) => {
      expect(furthest(row, expected[s]!), `row ${s}`).toBeLessThan(1e-9);
    });
    expect(Math.max(...expected.flat())).toBeGreaterThan(0.05);
  });

  it("for a sample, has the diagonal of all rows where the sample has less, and the sample's other entries", () => {
    const sample = drawRows(20, WIDTH, 'sample');
    // of 80 rows 20 are the sample
    const sums = sumsOf(rows);
    addRows(sums, sample);
    const moments = momentsOf(sums, 0.25);
    const sampled = new RowProducts(sample);
    const written = writtenOut(sampled, covarianceOf(sampled, moments));
    const all = [...x, ...denseOf(sample)];
    const scale = scaleOf(all, 0.25);
    const mean = meanOf(scaled(all, scale));
    const exact = covarianceByHand(scaled(all, scale));
    const ofSample = scaled(denseOf(sample), scale);
    let corrected = 0;
    written.forEach((row, s) => {
      row.forEach((value, t) => {
        const second = ofSample.reduce((sum, own) => sum + own[s]! * own[t]!, 0) / ofSample.length;
        const estimate = second - mean[s]! * mean[t]!;
        const isExact = s === t && estimate < exact[s]![t]!;
        if (isExact) corrected++;
        expect(value, `${s}, ${t}`).toBeCloseTo(isExact ? exact[s]![t]! : estimate, 9);
      });
    });
    expect(corrected).toBeGreaterThan(2);
  });
});

describe('withoutColumn', () => {
  it('is the covariance of rows without the column', () => {
    const column = 2;
    const kept = sparseOf(
      x.map((row) => row.flatMap((value, t): [number, number][] => (value === 0 || t === column ? [] : [[t, value]]))),
      WIDTH,
    );
    const own = covarianceOf(products, momentsOf(sumsOf(rows), 0.25));
    const written = writtenOut(products, withoutColumn(own, column));
    const others = new RowProducts(kept);
    const expected = writtenOut(others, covarianceOf(others, momentsOf(sumsOf(kept), 0.25)));
    written.forEach((row, s) => {
      expect(furthest(row, expected[s]!), `row ${s}`).toBeLessThan(1e-12);
    });
    expect(covarianceByHand(x)[column]![column]).toBeGreaterThan(0.01);
  });

  it('does not change the vector that it is applied to', () => {
    const v = Float64Array.from({ length: WIDTH }, () => 1);
    applied(products, withoutColumn(covarianceOf(products, momentsOf(sumsOf(rows), 0)), 0), v);
    expect([...v]).toEqual(new Array(WIDTH).fill(1));
  });
});

describe('multiplySparseRows', () => {
  it('is the product with the matrix', () => {
    const weights = Float64Array.from({ length: WIDTH }, (_, t) => 0.3 * t - 1);
    expect(furthest(multiplySparseRows(rows, weights), times(x, [...weights]))).toBeLessThan(1e-12);
  });
});
