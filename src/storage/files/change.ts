/** A change to a set of users: the resulting set, and counts of the ids that were sent. */

import type { CollectedIds } from '../../domain/ports/user-sets.ts';
import type { SeedCounts } from '../../domain/types.ts';
import type { Change, ChangeOptions, IdBlocks, MatchedPopulation, Matches, SetOwner } from '../../domain/user-sets.ts';
import { differenceOf, unionOf } from './algebra.ts';
import { MatchTally } from './match-tally.ts';

export interface ChangeTask extends ChangeOptions {
  readonly owner: SetOwner;
  readonly how: Change;
  readonly collected: CollectedIds;
  readonly population: MatchedPopulation;
  readonly maximumUsers: number;
  /**
   * Counts of the collected ids; null if these ids form the new set, because the new set is counted while it is
   * written.
   */
  readonly matches: Matches | null;
}

/** Creates the tally that counts the new set while it is written. */
export function tallyFor({ how, population, maximumUsers, onUnknown }: ChangeTask): MatchTally {
  return new MatchTally(population, maximumUsers, how === 'replace' ? onUnknown : undefined);
}

/** Counts of the sent ids, available once the new set has been counted. */
export function sentOf({ collected, matches }: ChangeTask, tally: MatchTally): SeedCounts {
  const counted = matches ?? tally.matches();
  const { received } = collected;
  return { ...counted, received, duplicate: received - counted.known - counted.unknown };
}

/** Blocks of the resulting set. */
export function combine(how: Change, before: IdBlocks, collected: IdBlocks): IdBlocks {
  if (how === 'replace') return collected;
  return how === 'add' ? unionOf(before, collected) : differenceOf(before, collected);
}
