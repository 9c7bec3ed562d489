/** The solver reaches the one optimum of the penalised log-loss. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { DenseRows, SparseRows } from '../../src/offline/design-rows.ts';
import { fitLogisticRegression, type LogisticModel } from '../../src/offline/logistic-regression.ts';

function rowsOf(lists: readonly (readonly number[])[], width: number): SparseRows {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + list.length;
  });
  return { offsets, columns: Int32Array.from(lists.flat()), width };
}

/** The same rows, written out. */
function denseRowsOf(lists: readonly (readonly number[])[], width: number): DenseRows {
  const values = new Float64Array(lists.length * width);
  lists.forEach((list, i) => {
    for (const j of list) values[i * width + j] = 1;
  });
  return { values, width };
}

/** d/dw and d/db of  sum log-loss + |w|^2 / (2 strength), written down once more. */
function gradientAt(
  lists: readonly (readonly number[])[],
  labels: Uint8Array,
  strength: number,
  model: LogisticModel,
): number[] {
  const gradient = Array.from(model.weights, (w) => w / strength);
  let bias = 0;
  lists.forEach((list, i) => {
    const z = list.reduce((sum, j) => sum + model.weights[j]!, model.bias);
    const error = 1 / (1 + Math.exp(-z)) - labels[i]!;
    for (const j of list) gradient[j]! += error;
    bias += error;
  });
  return [...gradient, bias];
}

describe('fitLogisticRegression', () => {
  it('has no gradient left at its answer, whatever the rows, the labels and the strength', () => {
    const row = fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 6 });
    const example = fc.tuple(row, fc.constantFrom(0, 1));
    const strengths = fc.constantFrom(0.005, 0.1, 1, 30);
    fc.assert(
      fc.property(fc.array(example, { minLength: 2, maxLength: 40 }), strengths, (examples, strength) => {
        const lists = examples.map(([list]) => list);
        const labels = Uint8Array.from(examples, ([, label]) => label);
        const model = fitLogisticRegression(rowsOf(lists, 8), labels, strength);
        expect(model.converged).toBe(true);
        for (const entry of gradientAt(lists, labels, strength, model)) expect(Math.abs(entry)).toBeLessThan(2e-6);
      }),
      { numRuns: 200 },
    );
  });

  it('answers with the log-odds where there are no columns: the bias is not penalised', () => {
    const model = fitLogisticRegression(rowsOf([[], [], [], [], []], 0), Uint8Array.of(1, 0, 0, 0, 0), 0.01);
    expect(model.bias).toBeCloseTo(Math.log(1 / 4), 6);
  });

  it('solves a case of one column as its optimality condition does', () => {
    // Rows with the column: 3 members of 4; without: 1 of 4. By symmetry b = -w / 2, and w / strength = 2 (3/4 - sigmoid(w / 2)) + ... at w.
    const lists = [[0], [0], [0], [0], [], [], [], []];
    const { weights, bias } = fitLogisticRegression(rowsOf(lists, 1), Uint8Array.of(1, 1, 1, 0, 1, 0, 0, 0), 1);
    const w = weights[0]!;
    expect(bias).toBeCloseTo(-w / 2, 6);
    expect(w).toBeCloseTo(3 - 4 / (1 + Math.exp(-w / 2)), 6);
  });

  it('does not depend on where it starts', () => {
    const rng = createRng('start');
    const lists = Array.from({ length: 80 }, () => [...new Set(Array.from({ length: 4 }, () => rng.integer(20)))]);
    const labels = Uint8Array.from(lists, (list) => (list.includes(3) || rng.uniform() < 0.2 ? 1 : 0));
    const rows = rowsOf(lists, 20);
    const cold = fitLogisticRegression(rows, labels, 1);
    const warm = fitLogisticRegression(rows, labels, 1, fitLogisticRegression(rows, labels, 0.05));
    for (let j = 0; j < 20; j++) expect(warm.weights[j]).toBeCloseTo(cold.weights[j]!, 5);
    expect(cold.weights[3]).toBe(Math.max(...cold.weights));
  });

  it('fits dense rows as it fits the same sparse ones', () => {
    const rng = createRng('dense');
    const lists = Array.from({ length: 60 }, () => [...new Set(Array.from({ length: 3 }, () => rng.integer(9)))]);
    const labels = Uint8Array.from(lists, (list) => (list.includes(3) || rng.uniform() < 0.2 ? 1 : 0));
    const sparse = fitLogisticRegression(rowsOf(lists, 9), labels, 0.5);
    const dense = fitLogisticRegression(denseRowsOf(lists, 9), labels, 0.5);
    for (let j = 0; j < 9; j++) expect(dense.weights[j]).toBeCloseTo(sparse.weights[j]!, 5);
    expect(dense.bias).toBeCloseTo(sparse.bias, 5);
  });

  it('halves the weight of a dense column that is doubled, where the penalty hardly counts', () => {
    const values = Float64Array.of(2, 4, -1, 0.5, -3, 1);
    const labels = Uint8Array.of(1, 0, 0, 1, 0, 1);
    const once = fitLogisticRegression({ values, width: 1 }, labels, 1e6);
    const twice = fitLogisticRegression({ values: values.map((x) => 2 * x), width: 1 }, labels, 1e6);
    expect(once.converged && twice.converged).toBe(true);
    expect(twice.weights[0]).toBeCloseTo(once.weights[0]! / 2, 5);
    expect(Math.abs(once.weights[0]!)).toBeGreaterThan(0.05);
  });

  it('ends with finite weights where every label is 1', () => {
    const model = fitLogisticRegression(rowsOf([[0], [1], []], 2), Uint8Array.of(1, 1, 1), 0.1);
    expect([...model.weights, model.bias].every(Number.isFinite)).toBe(true);
    expect(model.bias).toBeGreaterThan(5);
  });

  it('refuses a strength that is not positive, and labels that do not fit the rows', () => {
    const rows = rowsOf([[0], [1]], 2);
    expect(() => fitLogisticRegression(rows, Uint8Array.of(1, 0), 0)).toThrow(/strength 0/);
    expect(() => fitLogisticRegression(rows, Uint8Array.of(1), 1)).toThrow(/not as many as the 1 labels/);
    expect(() => fitLogisticRegression(denseRowsOf([[0], [1]], 2), Uint8Array.of(1), 1)).toThrow(/not as many/);
  });
});
