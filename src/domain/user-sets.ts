/** User sets: seeds, negatives and suppression lists, their changes, their counts, and how they match a population. */
import { createHash } from 'node:crypto';
import { AppError } from '../lib/errors.ts';
import type { PendingAction } from './audit.ts';
import type { ConsentBasis } from './consent.ts';
import type { SeedCounts } from './types.ts';

/** Summary of the weights of a set of seeds, before scaling. */
export interface WeightSummary {
  readonly min: number;
  /** Rounded to three significant digits. */
  readonly median: number;
  readonly max: number;
  /** Number of distinct weights after rounding to three significant digits. */
  readonly distinct: number;
}

/** The owner of a set: a campaign (seeds, negatives or suppression list), or the installation (global list). */
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
  /** Null if none was given. */
  readonly consentBasis: ConsentBasis | null;
  /** Times of the first and the last change, in milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** When users of a list expire, in milliseconds since 1970. Users who are not in the map never expire. */
export type Expiries = ReadonlyMap<string, number>;

/** How many users of a list will expire, and when. */
export interface ExpirySummary {
  readonly users: number;
  /** When the first one expires; null if nobody does. */
  readonly nextAt: number | null;
}

/** The population version that user sets are matched against. */
export interface MatchedPopulation {
  readonly version: string;
  has(userId: string): boolean;
}

/**
 * A population that finds the number of a user id in `directory`, and the row of a user number (or -1) with `rowOf`.
 */
interface PopulationIndex {
  readonly version: string;
  readonly directory: { find(userId: string): number };
  readonly rowOf: ArrayLike<number>;
}

/** Wraps one version for matching. Switching to another version later has no effect on it. */
export function matchedBy({ version, directory, rowOf }: PopulationIndex): MatchedPopulation {
  const rowOfUser = (userId: string) => {
    const number = directory.find(userId);
    return number < 0 ? -1 : (rowOf[number] ?? -1);
  };
  return { version, has: (userId) => rowOfUser(userId) >= 0 };
}

/** How many ids of a set are identifiers of one type and rule, and how many match. */
export interface IdentifierMatches {
  readonly label: string;
  readonly users: number;
  readonly known: number;
}

/** `identifiers` contains the counts of each label that occurs, sorted by label. */
export interface Matches extends Pick<SeedCounts, 'known' | 'unknown' | 'outside' | 'unknownExamples'> {
  readonly identifiers: readonly IdentifierMatches[];
}

/**
 * How a user set matches a population version. `received` is the number of ids sent since the set was last replaced,
 * minus the number of ids removed.
 */
export interface MatchReport extends SeedCounts {
  /** Number of ids in the set: known + unknown + outside. */
  readonly users: number;
  readonly identifiers: readonly IdentifierMatches[];
  /**
   * For seeds and negatives: number of known ids on the campaign's or the global suppression list; null for suppression
   * lists.
   */
  readonly suppressed: number | null;
  /**
   * For seeds and negatives: number of known ids in both sets, which count as negatives; null for suppression lists.
   */
  readonly contradicting: number | null;
  /** Null if all ids have weight 1. */
  readonly weights: WeightSummary | null;
  readonly consentBasis: ConsentBasis | null;
  /** For suppression lists: the users who will expire; null for seeds and negatives. */
  readonly expiring: ExpirySummary | null;
  /** The time of the set's last change, in milliseconds since 1970; null if there is no set. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** How a user set is changed. */
export type Change = 'replace' | 'add' | 'remove';

export interface ChangeOptions {
  /** Maximum number of ids with features in the set; unlimited by default. */
  readonly maximumRows?: number;
  /** Whether to do everything except the change itself. The report then describes the set that would result. */
  readonly isDryRun?: boolean;
  /** The consent basis of the collected ids. */
  readonly consentBasis?: ConsentBasis | undefined;
  /** When collected users of a suppression list expire. */
  readonly expiries?: Expiries;
  /** Maximum number of users of the list with an expiry; unlimited by default. */
  readonly maximumExpiries?: number;
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

/**
 * Returns the consent basis of a set after a change. A set has a single basis. Replacing the set replaces its basis
 * too.
 * @throws AppError consent_basis_differs
 */
export function consentAfter(
  how: Change,
  before: Pick<OwnedSet, 'consentBasis'> | null,
  given: ConsentBasis | undefined,
): ConsentBasis | null {
  if (how === 'replace' || before === null) return given ?? null;
  const { consentBasis } = before;
  if (given === undefined || given === consentBasis) return consentBasis;
  const message = `the list has ${consentBasis === null ? 'no consent basis' : `the consent basis ${consentBasis}`}`;
  throw new AppError('consent_basis_differs', message, {
    details: [{ pointer: 'consent_basis', value: given, message }],
    facts: { consent_basis: consentBasis },
  });
}

/** @throws AppError too_many_seeds */
export function refuseMoreUsers(users: number, maximum: number): void {
  if (users <= maximum) return;
  const message = `a set may contain at most ${maximum} user ids`;
  throw new AppError('too_many_seeds', message, { details: [{ pointer: '', limit: maximum, message }] });
}

/** @throws AppError too_many_seeds */
export function refuseMoreRows(rows: number, maximum: number): void {
  if (rows <= maximum) return;
  const message = `a set may contain at most ${maximum} users with features`;
  throw new AppError('too_many_seeds', message, { details: [{ pointer: '', limit: maximum, message }] });
}

/** Generates ids for users who were sent with features but without an id. */
export class RowNames {
  readonly #rows = new Map<string, number>();

  /**
   * Derives an id from the features, and from the number of earlier users with the same features. So an upload always
   * produces the same ids, in any order.
   */
  name(features: string): string {
    const sha256 = createHash('sha256').update(features).digest('hex');
    const count = (this.#rows.get(sha256) ?? 0) + 1;
    this.#rows.set(sha256, count);
    return `row:${sha256}:${count}`;
  }
}

/**
 * Returns the counts of a set after users were removed, `erasedRows` of them with features. Those count as outside the
 * population while such users are left. Any other removed user who is not among the examples of unknown ids counts as
 * known while known users are left.
 */
export function countsWithout(counts: SeedCounts, erased: ReadonlySet<string>, erasedRows = 0): SeedCounts {
  const unknownExamples = counts.unknownExamples.filter((userId) => !erased.has(userId));
  const shown = counts.unknownExamples.length - unknownExamples.length;
  const outside = Math.min(counts.outside ?? 0, erasedRows);
  const known = Math.min(counts.known, erased.size - shown - outside);
  return {
    received: counts.received - erased.size,
    known: counts.known - known,
    unknown: counts.unknown - (erased.size - known - outside),
    ...(counts.outside !== undefined && { outside: counts.outside - outside }),
    duplicate: counts.duplicate,
    unknownExamples,
  };
}
