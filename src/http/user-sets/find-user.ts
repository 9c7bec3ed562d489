/** Looks up users of the served population version. */
import { setImmediate } from 'node:timers/promises';
import type { SeedCounts } from '../../domain/types.ts';
import { countsOf } from '../../domain/user-sets.ts';
import type { GatheredTexts } from '../../lib/text/text-table.ts';
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
  userIds: GatheredTexts,
): Int32Array {
  const numbers = directory.findAll(userIds);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (number >= 0 && (rowOf[number] ?? -1) < 0) numbers[i] = -1;
  }
  return numbers;
}

/**
 * Returns the ascending rows of the users who are in the population version, the other users, and counts of the ids. A
 * user with `features` who is not in the population version counts as outside. Yields to other requests between slices.
 */
export async function findRowsOf(
  population: Pick<Population, 'directory' | 'rowOf'>,
  received: readonly string[],
  features: ReadonlyMap<string, string> = new Map(),
): Promise<{ readonly rows: Int32Array; readonly absent: readonly string[]; readonly counts: SeedCounts }> {
  const userIds = [...new Set(received)];
  const rows: number[] = [];
  const absent: string[] = [];
  for (const [i, userId] of userIds.entries()) {
    const number = findUser(population, userId);
    if (number < 0) absent.push(userId);
    else rows.push(population.rowOf[number]!);
    if (i % SLICE_IDS === SLICE_IDS - 1) await setImmediate();
  }
  const unknown = absent.filter((userId) => !features.has(userId));
  const outside = absent.length - unknown.length;
  const { known, ...counts } = countsOf(received.length, userIds.length, unknown);
  return {
    rows: Int32Array.from(rows).sort(),
    absent,
    counts: { known: known - outside, ...counts, ...(outside > 0 && { outside }) },
  };
}
