/** Counting and deduplicating the seeds of a campaign. */
import type { SeedCounts } from './types.ts';

/** Unknown ids that counts name. */
export const UNKNOWN_EXAMPLES = 10;

/** The set of seeds (in the order received) and its counts; unknown ids stay in it: they may be known to the next population version. */
export function countSeeds(
  received: readonly string[],
  isKnown: (userId: string) => boolean,
): { readonly userIds: readonly string[]; readonly counts: SeedCounts } {
  const userIds = [...new Set(received)];
  const unknown = userIds.filter((userId) => !isKnown(userId));
  return {
    userIds,
    counts: {
      received: received.length,
      known: userIds.length - unknown.length,
      unknown: unknown.length,
      duplicate: received.length - userIds.length,
      unknownExamples: unknown.slice(0, UNKNOWN_EXAMPLES),
    },
  };
}
