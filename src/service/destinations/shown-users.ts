/** How a destination shows users: by their ids, or by identifiers of the loaded population. */
import type { DeliveredContents } from '../../domain/destinations.ts';
import { storedLabel } from '../../domain/identities.ts';
import type { Directory, Population } from '../../population/read.ts';
import type { HeldRanking, RankingReads, Side } from '../ports/rankings.ts';

type ShownUsers = Pick<Directory, 'id' | 'gatherIds' | 'isErased'>;

export interface UsersOfDelivery extends Pick<DeliveredContents, 'identifier' | 'identifiers_version'> {
  readonly directory: Directory;
  /** Shows the users; those without the identifier are treated like erased users. */
  readonly shown: ShownUsers;
}

/** The code in the log of deliveries if the population does not have the identifiers. */
const MISSING = 'identifiers_missing';

/** Returns how to show users. Throws an error with the code `identifiers_missing` if the population cannot. */
export function usersOfDelivery(identifier: string | null, { directory, version }: Population): UsersOfDelivery {
  if (identifier === null) return { identifier, identifiers_version: null, directory, shown: directory };
  const shown = directory.identifiedBy(storedLabel(identifier));
  if (shown !== null) return { identifier, identifiers_version: version, directory, shown };
  throw Object.assign(new Error(`the population ${version} has no identifiers ${identifier}`), { code: MISSING });
}

/** Counts the members who are left out; null if users are shown by their ids. Closes the ranking. */
export async function countWithout(
  { identifier, directory, shown }: UsersOfDelivery,
  { opened, close }: HeldRanking<Side>,
  reads: RankingReads,
): Promise<number | null> {
  try {
    return identifier === null ? null : await reads.countLeftOut(opened.ranking, opened, directory, shown);
  } finally {
    close();
  }
}
