/** A change of a set of users: what it makes of the set, and how what was sent matches. */
import { type MatchedPopulation, type Matches, MatchTally } from './match-tally.ts';
import type { OwnedSet, SetOwner } from './set-rows.ts';
import type { SeedCounts } from './types.ts';
import { differenceOf, unionOf } from './user-set-algebra.ts';
import type { IdSorter } from './user-set-sort.ts';
import type { IdBlocks } from './user-sets.ts';

/** How a set matches a population version. `received` counts what was sent since the set was replaced last, less what was removed. */
export interface MatchReport extends SeedCounts {
  /** Ids in the set: known + unknown. */
  readonly users: number;
  /** Of seeds: known ids that the campaign's or the installation's suppression list has; null of suppression lists. */
  readonly suppressed: number | null;
  /** Milliseconds since 1970; null where there is no set. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** How a set is changed. */
export type Change = 'replace' | 'add' | 'remove';

export interface ChangeOptions {
  /** Everything but the change: the report is of the set that it would make. */
  readonly isDryRun?: boolean;
  /** Called once with each of the ids collected that the population does not have. */
  readonly onUnknown?: (userId: string) => void;
  /** Called right before the change takes effect, with how the ids collected match; where it throws, nothing has changed. */
  readonly accept?: (sent: SeedCounts) => void;
}

/** The report of the set after a change, and how what was sent matches. */
export interface ChangeReport extends MatchReport {
  readonly sent: SeedCounts;
}

/** One change of a set. */
export interface ChangeTask extends ChangeOptions {
  readonly owner: SetOwner;
  readonly how: Change;
  readonly collected: IdSorter;
  readonly population: MatchedPopulation;
  readonly maximumUsers: number;
  /** Of the ids collected; null where they are the new set. */
  readonly matches: Matches | null;
}

/** What counts the new set as it is made. */
export function tallyFor({ how, population, maximumUsers, onUnknown }: ChangeTask): MatchTally {
  return new MatchTally(population, maximumUsers, how === 'replace' ? onUnknown : undefined);
}

/** How the ids collected match, once the new set was counted. */
export function sentOf({ collected, matches }: ChangeTask, tally: MatchTally): SeedCounts {
  const counted = matches ?? tally.matches();
  const { received } = collected;
  return { ...counted, received, duplicate: received - counted.known - counted.unknown };
}

/** The blocks of the set that a change makes. */
export function combine(how: Change, before: IdBlocks, collected: IdBlocks): IdBlocks {
  if (how === 'replace') return collected;
  return how === 'add' ? unionOf(before, collected) : differenceOf(before, collected);
}

/** Ids that were sent since the set was replaced last, less what was removed, after a change to one of `users`. */
export function receivedAfter(how: Change, collected: number, before: OwnedSet | null, users: number): number {
  const { received, duplicate } = before?.counts ?? { received: 0, duplicate: 0 };
  if (how === 'replace') return collected;
  return how === 'add' ? received + collected : users + duplicate;
}
