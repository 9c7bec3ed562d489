/** How close numbers must be: scores and losses absolutely, tensors relative to their largest entry. */
import { expect } from 'vitest';

export const SCORE_TOLERANCE = 1e-6;
const TENSOR_TOLERANCE = 1e-5;

export function expectScores(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, `${what}: how many`).toBe(expected.length);
  expect(largestDifference(actual, expected), what).toBeLessThanOrEqual(SCORE_TOLERANCE);
}

/** Every tensor of `expected`, each to 1e-5 of its largest entry. */
export function expectTensors(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: Readonly<Record<string, readonly number[]>>,
  what: string,
): void {
  expect([...actual.keys()].sort(), `${what}: names`).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    expect(actual.get(name)!.length, `${what} ${name}: how many`).toBe(values.length);
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largestDifference(actual.get(name)!, values), `${what} ${name}`).toBeLessThanOrEqual(
      TENSOR_TOLERANCE * largest,
    );
  }
}

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  return expected.reduce((most, x, i) => {
    const difference = Math.abs(actual[i]! - x);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
}
