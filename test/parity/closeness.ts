/** How close numbers must be: scores and losses absolutely, tensors relative to their largest entry. */
import { expect } from 'vitest';

export const SCORE_TOLERANCE = 1e-6;
const TENSOR_TOLERANCE = 1e-5;

export function expectScores(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, `${what}: how many`).toBe(expected.length);
  expect(largestDifference(actual, expected), what).toBeLessThanOrEqual(SCORE_TOLERANCE);
}

/** What each entry of a tensor may be off: 1e-5 of the tensor's largest entry. */
export function tensorTolerances(expected: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(expected).map(([name, values]) => {
      const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      return [name, values.map(() => TENSOR_TOLERANCE * largest)];
    }),
  );
}

/** Every tensor of `expected`, each entry to its tolerance. */
export function expectTensors(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: Readonly<Record<string, readonly number[]>>,
  what: string,
  tolerances: ReadonlyMap<string, readonly number[]> = new Map(Object.entries(tensorTolerances(expected))),
): void {
  expect([...actual.keys()].sort(), `${what}: names`).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    const own = actual.get(name)!;
    expect(own.length, `${what} ${name}: how many`).toBe(values.length);
    const far = values.findIndex((x, i) => !(Math.abs(own[i]! - x) <= tolerances.get(name)![i]!));
    expect(far, `${what} ${name}[${far}] is ${own[far]}, not ${values[far]} to ${tolerances.get(name)![far]}`).toBe(-1);
  }
}

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  return expected.reduce((most, x, i) => {
    const difference = Math.abs(actual[i]! - x);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
}
