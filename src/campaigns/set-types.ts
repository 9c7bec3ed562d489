/** The words of user sets: seeds and suppression lists, their changes, and how they match a population. */
import type { SeedCounts } from './types.ts';

/** Ids in ascending order of UTF-16 code units, without repetitions, in blocks (some may be empty). */
export type IdBlocks = Iterable<readonly string[]>;

/** Whose set: a campaign's seeds, a campaign's suppression list, or the installation's. */
export type SetOwner =
  | { readonly kind: 'seeds' | 'suppression'; readonly campaignId: string }
  | { readonly kind: 'common_suppression' };

/** A set as its owner has it: its counts as they were when it was changed last. */
export interface OwnedSet {
  readonly sha256: string;
  readonly counts: SeedCounts;
  /** Milliseconds since 1970; of sets that an earlier version recorded, when the file was. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The population version that sets are matched with. */
export interface MatchedPopulation {
  readonly version: string;
  has(userId: string): boolean;
}

export type Matches = Pick<SeedCounts, 'known' | 'unknown' | 'unknownExamples'>;

/**
 * How a set matches a population version. `received` counts what was sent since the set was replaced last, less what
 * was removed.
 */
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
  /**
   * Called right before the change takes effect, with how the ids collected match; where it throws, nothing has
   * changed.
   */
  readonly accept?: (sent: SeedCounts) => void;
}

/** The report of the set after a change, and how what was sent matches. */
export interface ChangeReport extends MatchReport {
  readonly sent: SeedCounts;
}
