/** User sets: seeds, negatives and suppression lists, their changes, their counts, and how they match a population. */
import { AppError } from '../lib/errors.ts';
import type { PendingAction } from './audit.ts';
import type { SeedCounts } from './types.ts';

/** User ids. `weights`, if present, has the weight of each id; otherwise every id has weight 1. */
export interface IdBlock extends ReadonlyArray<string> {
  readonly weights?: readonly number[];
}

/** User ids in ascending order of UTF-16 code units, without repetitions, in blocks. Some blocks may be empty. */
export type IdBlocks = Iterable<IdBlock>;

/** Attaches weights to `userIds`, unless `weights` is undefined. */
export function withWeights(userIds: string[], weights: readonly number[] | undefined): IdBlock {
  return weights === undefined ? userIds : Object.assign(userIds, { weights });
}

export function weightAt({ weights }: IdBlock, i: number): number {
  return weights?.[i] ?? 1;
}

/** Part of a block, with the weights of its ids. */
export function sliceBlock(block: IdBlock, from: number, to?: number): IdBlock {
  return withWeights(block.slice(from, to), block.weights?.slice(from, to));
}

/** The weights of a set of seeds, as they were sent. */
export interface WeightSummary {
  readonly min: number;
  /** To three significant digits. */
  readonly median: number;
  readonly max: number;
  /** Number of weights that differ in their first three significant digits. */
  readonly distinct: number;
}

/** The owner of a set: a campaign for its seeds, its negatives or its suppression list, or the installation. */
export type SetOwner =
  | { readonly kind: 'seeds' | 'negatives' | 'suppression'; readonly campaignId: string }
  | { readonly kind: 'common_suppression' };

/** An owner's user set, with its counts at the time of the last change. */
export interface OwnedSet {
  /** The name of the set. Different sets never have the same name. */
  readonly name: string;
  readonly counts: SeedCounts;
  /** Null if all ids have weight 1. */
  readonly weights: WeightSummary | null;
  /** The times of the first and of the last change, in milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The population version that user sets are matched against. */
export interface MatchedPopulation {
  readonly version: string;
  has(userId: string): boolean;
}

export type Matches = Pick<SeedCounts, 'known' | 'unknown' | 'unknownExamples'>;

/**
 * How a user set matches a population version. `received` is the number of ids sent since the set was last replaced,
 * minus the number of ids removed.
 */
export interface MatchReport extends SeedCounts {
  /** Number of ids in the set: known + unknown. */
  readonly users: number;
  /**
   * For seeds and negatives, the number of known ids on the campaign's or the installation's suppression list; null for
   * suppression lists.
   */
  readonly suppressed: number | null;
  /**
   * For seeds and negatives, the number of known ids in both sets, which count as negatives; null for suppression
   * lists.
   */
  readonly contradicting: number | null;
  /** Null if all ids have weight 1. */
  readonly weights: WeightSummary | null;
  /** The time of the set's last change, in milliseconds since 1970; null if there is no set. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** How a user set is changed. */
export type Change = 'replace' | 'add' | 'remove';

export interface ChangeOptions {
  /** Whether to do everything except the change itself. The report then describes the set that would result. */
  readonly isDryRun?: boolean;
  /** Called once with each collected id that the population does not have. */
  readonly onUnknown?: (userId: string) => void;
  /**
   * Called with the counts of the collected ids right before the change takes effect. If `accept` throws, nothing
   * changes.
   */
  readonly accept?: (sent: SeedCounts) => void;
  /** The audit log entry of the change, which is written in the same commit as the change. */
  readonly action?: PendingAction | null;
}

/** The report of a set after a change, and the counts of the ids that were sent. */
export interface ChangeReport extends MatchReport {
  readonly sent: SeedCounts;
}

/** Maximum number of unknown ids listed in the counts. */
export const UNKNOWN_EXAMPLES = 10;

/**
 * Makes the set of seeds and its counts from seeds in the order received. Unknown ids stay in the set because the next
 * population version may contain them.
 */
export function countSeeds(
  received: readonly string[],
  isKnown: (userId: string) => boolean,
): { readonly userIds: readonly string[]; readonly counts: SeedCounts } {
  const userIds = [...new Set(received)];
  const unknown = userIds.filter((userId) => !isKnown(userId));
  return { userIds, counts: countsOf(received.length, userIds.length, unknown) };
}

/** Computes the counts from the numbers of received ids, distinct users and unknown users. */
export function countsOf(received: number, users: number, unknown: readonly string[]): SeedCounts {
  return {
    received,
    known: users - unknown.length,
    unknown: unknown.length,
    duplicate: received - users,
    unknownExamples: unknown.slice(0, UNKNOWN_EXAMPLES),
  };
}

/**
 * Computes `received` after a change: the number of ids sent since the set was last replaced, minus the number of ids
 * removed. `users` is the number of users in the set.
 */
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
 * Whether a change that was computed from the set `before` still applies. Additions and removals apply only if the set
 * has not changed since then.
 */
export function stillApplies(how: Change, before: OwnedSet | null, current: OwnedSet | null): boolean {
  return how === 'replace' || current?.name === before?.name;
}

/** @throws AppError too_many_seeds */
export function refuseMoreUsers(users: number, maximum: number): void {
  if (users <= maximum) return;
  const message = `a set may contain at most ${maximum} user ids`;
  throw new AppError('too_many_seeds', message, { details: [{ pointer: '', limit: maximum, message }] });
}

/**
 * The counts of a set after some of its users are removed. A removed user who is not among the examples of unknown ids
 * counts as known as long as there are known users left.
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
