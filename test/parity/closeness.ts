/** How close numbers must be: scores and losses absolutely, tensors relative to their largest entry. */
import { expect } from 'vitest';

export const SCORE_TOLERANCE = 1e-6;
const TENSOR_TOLERANCE = 1e-5;

/** The share of all entries that may be further away than 1e-5, and how far these may be. */
export interface Exceptions {
  readonly share: number;
  readonly farthest: number;
}

export function expectScores(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, `${what}: how many`).toBe(expected.length);
  expect(largestDifference(actual, expected), what).toBeLessThanOrEqual(SCORE_TOLERANCE);
}

/** Every entry of every tensor of `expected`, to 1e-5 of the tensor's largest entry, apart from `exceptions`. */
export function expectTensors(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: Readonly<Record<string, readonly number[]>>,
  what: string,
  exceptions: Exceptions = { share: 0, farthest: 0 },
): void {
  expect([...actual.keys()].sort(), `${what}: names`).toEqual(Object.keys(expected).sort());
  const far: string[] = [];
  let count = 0;
  for (const [name, values] of Object.entries(expected)) {
    const own = actual.get(name)!;
    expect(own.length, `${what} ${name}: how many`).toBe(values.length);
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    count += values.length;
    values.forEach((x, i) => {
      const difference = Math.abs(own[i]! - x);
      if (difference <= TENSOR_TOLERANCE * largest) return;
      far.push(`${name}[${i}] is ${own[i]}, not ${x}`);
      if (exceptions.share > 0) expect(difference, far.at(-1)).toBeLessThanOrEqual(exceptions.farthest);
    });
  }
  expect(far.length, `${what}: ${far.join('; ')}`).toBeLessThanOrEqual(exceptions.share * count);
}

function largestDifference(actual: ArrayLike<number>, expected: readonly number[]): number {
  return expected.reduce((most, x, i) => {
    const difference = Math.abs(actual[i]! - x);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
}
