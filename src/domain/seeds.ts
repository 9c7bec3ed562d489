/** Counting and deduplicating the seeds of a campaign. */
import type { SeedCounts } from './types.ts';

/** Number of unknown ids listed in the counts. */
export const UNKNOWN_EXAMPLES = 10;

/**
 * The set of seeds (in the order received) and its counts; unknown ids stay in it, as the next population version may
 * know them.
 */
export function countSeeds(
  received: readonly string[],
  isKnown: (userId: string) => boolean,
): { readonly userIds: readonly string[]; readonly counts: SeedCounts } {
  const userIds = [...new Set(received)];
  const unknown = userIds.filter((userId) => !isKnown(userId));
  return { userIds, counts: countsOf(received.length, userIds.length, unknown) };
}

/** The counts from the number of ids received, of distinct users, and of unknown users. */
export function countsOf(received: number, users: number, unknown: readonly string[]): SeedCounts {
  return {
    received,
    known: users - unknown.length,
    unknown: unknown.length,
    duplicate: received - users,
    unknownExamples: unknown.slice(0, UNKNOWN_EXAMPLES),
  };
}
