/**
 * Draws seed sets of increasing size for one test campaign. Each set contains all smaller sets, and the same rows are
 * ranked with every set.
 */
import { type Rng, shuffle } from '../../../src/lib/rng.ts';
import type { Trial } from '../../../src/training/choices/trial.ts';

export const SEED_COUNTS: readonly number[] = [10, 20, 50, 100, 200, 500];

/**
 * Draws a random order of the members of `trial` (its seeds, and eval rows with label 1) with `rng`. For each n in
 * `counts` that is at most half the number of members, the first n members are the seeds. The ranked rows are the eval
 * rows of all users outside the largest seed set. Returns an empty list if no n is small enough, or if the ranked rows
 * do not contain both labels.
 */
export function sampleNestedSeeds(trial: Trial, counts: readonly number[], rng: Rng): Trial[] {
  const { users, labels } = trial.evaluation;
  const members = Int32Array.from(new Set([...trial.seeds, ...users.filter((_, row) => labels[row] === 1)])).sort();
  const usable = counts.filter((count) => 2 * count <= members.length);
  shuffle(rng, members);
  const sampled = new Set(members.subarray(0, Math.max(0, ...usable)));
  const isRanked = (_: number, row: number): boolean => !sampled.has(users[row]!);
  const evaluation = { users: users.filter(isRanked), labels: labels.filter(isRanked) };
  if (!evaluation.labels.includes(1) || !evaluation.labels.includes(0)) return [];
  return usable.map((count) => ({ ...trial, seeds: members.slice(0, count).sort(), evaluation }));
}
