/** Looks up users of the served population version. */
import { setImmediate } from 'node:timers/promises';
import type { SeedCounts } from '../../domain/types.ts';
import { countsOf } from '../../domain/user-sets.ts';
import type { Population } from '../../service/ports/populations.ts';

/** Number of ids that are looked up before other requests are handled. */
const SLICE_IDS = 4_096;

/**
 * Returns the number of a user, or -1 if the user is not in this population version, even if the user was in an earlier
 * version.
 */
export function findUser({ directory, rowOf }: Pick<Population, 'directory' | 'rowOf'>, userId: string): number {
  const number = directory.find(userId);
  return number >= 0 && (rowOf[number] ?? -1) >= 0 ? number : -1;
}

/** Returns the numbers of many users, one for each user id, as `findUser` does. */
export function findUsers(
  { directory, rowOf }: Pick<Population, 'directory' | 'rowOf'>,
  userIds: readonly string[],
): Int32Array {
  const numbers = directory.findAll(userIds);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (number >= 0 && (rowOf[number] ?? -1) < 0) numbers[i] = -1;
  }
  return numbers;
}

/**
 * Returns the ascending rows of the users who are in the population version, and counts of the ids. Yields to other
 * requests between slices.
 */
export async function findRowsOf(
  population: Pick<Population, 'directory' | 'rowOf'>,
  received: readonly string[],
): Promise<{ readonly rows: Int32Array; readonly counts: SeedCounts }> {
  const userIds = [...new Set(received)];
  const rows: number[] = [];
  const unknown: string[] = [];
  for (const [i, userId] of userIds.entries()) {
    const number = findUser(population, userId);
    if (number < 0) unknown.push(userId);
    else rows.push(population.rowOf[number]!);
    if (i % SLICE_IDS === SLICE_IDS - 1) await setImmediate();
  }
  return { rows: Int32Array.from(rows).sort(), counts: countsOf(received.length, userIds.length, unknown) };
}
