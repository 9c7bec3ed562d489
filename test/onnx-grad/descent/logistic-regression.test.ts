/** The solver reaches the unique optimum of the penalised log-loss, with a strength for each column. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Design, fitLogisticRegression, type LogisticModel } from '../../../packages/onnx-grad/index.ts';
import { createRng } from '../../../src/lib/rng.ts';

type Matrix = readonly (readonly number[])[];

/** The products of a matrix, as their definitions say. */
function designOf(matrix: Matrix, width: number): Design {
  const transposed = (power: number) => (values: Float64Array, out: Float64Array) => {
    for (let j = 0; j < width; j++) out[j] = matrix.reduce((sum, row, i) => sum + values[i]! * row[j]! ** power, 0);
  };
  return {
    rows: matrix.length,
    width,
    multiply(point, out) {
      matrix.forEach((row, i) => {
        out[i] = row.reduce((sum, x, j) => sum + x * point[j]!, 0);
      });
    },
    multiplyTransposed: transposed(1),
    multiplyTransposedSquares: transposed(2),
  };
}

/** Rows that have ones in the listed columns. */
function binary(lists: Matrix, width: number): Matrix {
  return lists.map((list) => Array.from({ length: width }, (_, j) => (list.includes(j) ? 1 : 0)));
}

const logitOf = (row: readonly number[], { weights, bias }: LogisticModel): number =>
  row.reduce((sum, x, j) => sum + x * weights[j]!, bias);

/** d/dw and d/db of  sum log-loss + sum w_j^2 / (2 strengths_j), computed independently. */
function gradientAt(
  matrix: Matrix,
  labels: Uint8Array,
  strengthOf: (j: number) => number,
  model: LogisticModel,
): number[] {
  const gradient = Array.from(model.weights, (w, j) => w / strengthOf(j));
  let bias = 0;
  matrix.forEach((row, i) => {
    const error = 1 / (1 + Math.exp(-logitOf(row, model))) - labels[i]!;
    row.forEach((x, j) => {
      gradient[j]! += error * x;
    });
    bias += error;
  });
  return [...gradient, bias];
}

/** 80 rows of four columns, the first of which tells the label. */
function drawTask(key: string): { matrix: number[][]; labels: Uint8Array } {
  const rng = createRng(key);
  const matrix = Array.from({ length: 80 }, () => Array.from({ length: 4 }, () => rng.normal()));
  const labels = Uint8Array.from(matrix, ([first]) => (first! + rng.normal() > 0.5 ? 1 : 0));
  return { matrix, labels };
}

describe('fitLogisticRegression', () => {
  it('has no gradient left at its solution, whatever the rows, the labels and the strength', () => {
    const row = fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 6 });
    const example = fc.tuple(row, fc.constantFrom(0, 1));
    const strengths = fc.constantFrom(0.005, 0.1, 1, 30);
    fc.assert(
      fc.property(fc.array(example, { minLength: 2, maxLength: 40 }), strengths, (examples, strength) => {
        const labels = Uint8Array.from(examples, ([, label]) => label);
        const matrix = binary(
          examples.map(([list]) => list),
          8,
        );
        const model = fitLogisticRegression(designOf(matrix, 8), labels, strength);
        expect(model.converged).toBe(true);
        for (const entry of gradientAt(matrix, labels, () => strength, model))
          expect(Math.abs(entry)).toBeLessThan(2e-6);
      }),
      { numRuns: 200 },
    );
  });

  it('returns the log-odds if there are no columns, because the bias is not penalised', () => {
    const model = fitLogisticRegression(designOf([[], [], [], [], []], 0), Uint8Array.of(1, 0, 0, 0, 0), 0.01);
    expect(model.bias).toBeCloseTo(Math.log(1 / 4), 6);
  });

  it('does not depend on its start', () => {
    const rng = createRng('start');
    const lists = Array.from({ length: 80 }, () => [...new Set(Array.from({ length: 4 }, () => rng.integer(20)))]);
    const labels = Uint8Array.from(lists, (list) => (list.includes(3) || rng.uniform() < 0.2 ? 1 : 0));
    const design = designOf(binary(lists, 20), 20);
    const cold = fitLogisticRegression(design, labels, 1);
    const start = fitLogisticRegression(design, labels, 0.05);
    const warm = fitLogisticRegression(design, labels, 1, { start });
    for (let j = 0; j < 20; j++) expect(warm.weights[j]).toBeCloseTo(cold.weights[j]!, 5);
    expect(cold.weights[3]).toBe(Math.max(...cold.weights));
    expect(fitLogisticRegression(design, labels, 1, { start: cold }).steps).toBe(0);
  });

  it('ends with finite weights when every label is 1', () => {
    const model = fitLogisticRegression(designOf(binary([[0], [1], []], 2), 2), Uint8Array.of(1, 1, 1), 0.1);
    expect([...model.weights, model.bias].every(Number.isFinite)).toBe(true);
    expect(model.bias).toBeGreaterThan(5);
  });

  it('ends sooner, and close to the optimum, with a larger tolerance', () => {
    const { matrix, labels } = drawTask('tolerance');
    const exact = fitLogisticRegression(designOf(matrix, 4), labels, 1);
    const rough = fitLogisticRegression(designOf(matrix, 4), labels, 1, { gradientTolerance: 0.1 });
    expect(rough.converged).toBe(true);
    expect(rough.steps).toBeLessThan(exact.steps);
    const left = gradientAt(matrix, labels, () => 1, rough).map(Math.abs);
    expect(Math.max(...left)).toBeLessThanOrEqual(0.1);
    expect(rough.weights[0]).toBeCloseTo(exact.weights[0]!, 1);
  });

  it('refuses a strength that is not positive, and labels that do not fit the rows', () => {
    const design = designOf(binary([[0], [1]], 2), 2);
    expect(() => fitLogisticRegression(design, Uint8Array.of(1, 0), 0)).toThrow(/strength 0/);
    expect(() => fitLogisticRegression(design, Uint8Array.of(1), 1)).toThrow(/but 1 labels/);
  });
});

describe('fitLogisticRegression with a strength for each column', () => {
  const { matrix, labels } = drawTask('columns');
  const design = designOf(matrix, 4);

  it('has no gradient left at its solution, whatever the strengths', () => {
    const strength = fc.double({ min: 1e-3, max: 30, noNaN: true });
    fc.assert(
      fc.property(fc.array(strength, { minLength: 4, maxLength: 4 }), (strengths) => {
        const model = fitLogisticRegression(design, labels, Float64Array.from(strengths));
        expect(model.converged).toBe(true);
        for (const entry of gradientAt(matrix, labels, (j) => strengths[j]!, model))
          expect(Math.abs(entry)).toBeLessThan(2e-6);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a column of a tiny strength near 0, as if it did not exist', () => {
    const all = fitLogisticRegression(design, labels, 1);
    const { weights, bias } = fitLogisticRegression(design, labels, Float64Array.of(1e-7, 1, 1, 1));
    expect(all.weights[0]).toBeGreaterThan(0.5);
    expect(Math.abs(weights[0]!)).toBeLessThan(1e-5);
    const rest = fitLogisticRegression(designOf(without(matrix, 0), 3), labels, 1);
    expect(bias).toBeCloseTo(rest.bias, 4);
    rest.weights.forEach((w, j) => {
      expect(weights[j + 1]).toBeCloseTo(w, 4);
    });
  });

  it("refuses strengths whose number differs from the columns', and one that is not positive", () => {
    expect(() => fitLogisticRegression(design, labels, Float64Array.of(1, 1))).toThrow(
      /there are 2 strengths, but 4 columns/,
    );
    expect(() => fitLogisticRegression(design, labels, Float64Array.of(1, 1, -2, 1))).toThrow(/strength -2/);
  });
});

function without(matrix: Matrix, column: number): number[][] {
  return matrix.map((row) => row.filter((_, j) => j !== column));
}

describe('fitLogisticRegression with weights', () => {
  it('fits a row of weight k like k equal rows', () => {
    const { matrix, labels } = drawTask('weights');
    const weights = Float32Array.from(labels, (_, i) => 1 + (i % 3));
    const places = [...labels.keys()].flatMap((i) => Array.from({ length: weights[i]! }, () => i));
    const copies = fitLogisticRegression(
      designOf(
        places.map((i) => matrix[i]!),
        4,
      ),
      Uint8Array.from(places, (i) => labels[i]!),
      0.3,
    );
    const weighted = fitLogisticRegression(designOf(matrix, 4), labels, 0.3, { weights });
    const plain = fitLogisticRegression(designOf(matrix, 4), labels, 0.3);
    for (const [j, w] of weighted.weights.entries()) expect(w).toBeCloseTo(copies.weights[j]!, 5);
    expect(weighted.bias).toBeCloseTo(copies.bias, 5);
    expect(Math.abs(weighted.bias - plain.bias)).toBeGreaterThan(1e-3);
  });
});
