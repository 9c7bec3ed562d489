/** User sets: seeds and suppression lists, their changes, their counts, and how they match a population. */
import { AppError } from '../lib/errors.ts';
import type { PendingAction } from './audit.ts';
import type { SeedCounts } from './types.ts';

/** Ids in ascending order of UTF-16 code units, without repetitions, in blocks (some may be empty). */
export type IdBlocks = Iterable<readonly string[]>;

/** The owner of a set: a campaign for its seeds or its suppression list, or the installation. */
export type SetOwner =
  | { readonly kind: 'seeds' | 'suppression'; readonly campaignId: string }
  | { readonly kind: 'common_suppression' };

/** The set of an owner, with its counts when it was last changed. */
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
  /** Performs everything except the change itself: the report describes the set that would result. */
  readonly isDryRun?: boolean;
  /** Called once with each collected id that the population does not have. */
  readonly onUnknown?: (userId: string) => void;
  /** Called right before the change takes effect, with how the collected ids match; if it throws, nothing changes. */
  readonly accept?: (sent: SeedCounts) => void;
  /** The audit log entry of the change, which is part of the same commit. */
  readonly action?: PendingAction | null;
}

/** The report of the set after a change, and how the sent ids match. */
export interface ChangeReport extends MatchReport {
  readonly sent: SeedCounts;
}

/** Maximum number of unknown ids listed in the counts. */
export const UNKNOWN_EXAMPLES = 10;

/**
 * The set of seeds (in the order received) and its counts; unknown ids stay in it because the next population version
 * may contain them.
 */
export function countSeeds(
  received: readonly string[],
  isKnown: (userId: string) => boolean,
): { readonly userIds: readonly string[]; readonly counts: SeedCounts } {
  const userIds = [...new Set(received)];
  const unknown = userIds.filter((userId) => !isKnown(userId));
  return { userIds, counts: countsOf(received.length, userIds.length, unknown) };
}

/** Computes the counts from the number of ids received, of distinct users, and of unknown users. */
export function countsOf(received: number, users: number, unknown: readonly string[]): SeedCounts {
  return {
    received,
    known: users - unknown.length,
    unknown: unknown.length,
    duplicate: received - users,
    unknownExamples: unknown.slice(0, UNKNOWN_EXAMPLES),
  };
}

/** The number of ids sent since the set was last replaced, less those removed, after a change to a set of `users`. */
export function receivedAfter(
  how: Change,
  collected: number,
  before: Pick<OwnedSet, 'counts'> | null,
  users: number,
): number {
  const { received, duplicate } = before?.counts ?? { received: 0, duplicate: 0 };
  if (how === 'replace') return collected;
  return how === 'add' ? received + collected : users + duplicate;
}

/**
 * Whether a change that was computed from the set `before` still applies: additions and removals apply only if the set
 * is still the same.
 */
export function stillApplies(how: Change, before: OwnedSet | null, current: OwnedSet | null): boolean {
  return how === 'replace' || current?.sha256 === before?.sha256;
}

/** @throws AppError too_many_seeds */
export function refuseMoreUsers(users: number, maximum: number): void {
  if (users <= maximum) return;
  const message = `a set may contain at most ${maximum} user ids`;
  throw new AppError('too_many_seeds', message, { details: [{ pointer: '', limit: maximum, message }] });
}

/**
 * The counts of a set without some of its users. A user who is not among the examples of unknown ids counts as known,
 * as long as any known users are left.
 */
export function countsWithout(counts: SeedCounts, erased: ReadonlySet<string>): SeedCounts {
  const unknownExamples = counts.unknownExamples.filter((userId) => !erased.has(userId));
  const shown = counts.unknownExamples.length - unknownExamples.length;
  const known = Math.min(counts.known, erased.size - shown);
  return {
    received: counts.received - erased.size,
    known: counts.known - known,
    unknown: counts.unknown - (erased.size - known),
    duplicate: counts.duplicate,
    unknownExamples,
  };
}
