/** The types of user sets: seeds and suppression lists, their changes, and how they match a population. */
import type { PendingAction } from './audit.ts';
import type { SeedCounts } from './types.ts';

/** Ids in ascending order of UTF-16 code units, without repetitions, in blocks (some may be empty). */
export type IdBlocks = Iterable<readonly string[]>;

/** Whose set: a campaign's seeds, a campaign's suppression list, or the installation's. */
export type SetOwner =
  | { readonly kind: 'seeds' | 'suppression'; readonly campaignId: string }
  | { readonly kind: 'common_suppression' };

/** A set as its owner has it, with its counts when it was last changed. */
export interface OwnedSet {
  readonly sha256: string;
  readonly counts: SeedCounts;
  /** Milliseconds since 1970; for sets recorded by an earlier version, the time of the file. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The population version that sets are matched against. */
export interface MatchedPopulation {
  readonly version: string;
  has(userId: string): boolean;
}

export type Matches = Pick<SeedCounts, 'known' | 'unknown' | 'unknownExamples'>;

/**
 * How a set matches a population version. `received` counts the ids sent since the set was last replaced, less those
 * removed.
 */
export interface MatchReport extends SeedCounts {
  /** Ids in the set: known + unknown. */
  readonly users: number;
  /** For seeds: known ids on the campaign's or the installation's suppression list; null for suppression lists. */
  readonly suppressed: number | null;
  /** Milliseconds since 1970; null if there is no set. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** How a set is changed. */
export type Change = 'replace' | 'add' | 'remove';

export interface ChangeOptions {
  /** Everything but the change itself: the report describes the resulting set. */
  readonly isDryRun?: boolean;
  /** Called once with each collected id that the population does not have. */
  readonly onUnknown?: (userId: string) => void;
  /**
   * Called right before the change takes effect, with how the collected ids match; if it throws, nothing has changed.
   */
  readonly accept?: (sent: SeedCounts) => void;
  /** Its entry in the audit log is written with the change: both are on disk or neither. */
  readonly action?: PendingAction | null;
}

/** The report of the set after a change, and how the sent ids match. */
export interface ChangeReport extends MatchReport {
  readonly sent: SeedCounts;
}
