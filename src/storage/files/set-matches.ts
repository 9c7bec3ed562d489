/** Reports how user sets match a population, and caches the counts of their users. */
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { IdBlock, IdBlocks } from '../../domain/id-blocks.ts';
import { labelOfId } from '../../domain/identities.ts';
import { canExpire } from '../../domain/list-expiry.ts';
import {
  type ChangeOptions,
  type ExpirySummary,
  type MatchedPopulation,
  type Matches,
  type MatchReport,
  type OwnedSet,
  refuseMoreRows,
  refuseMoreUsers,
  type SetOwner,
  UNKNOWN_EXAMPLES,
} from '../../domain/user-sets.ts';
import { intersectionOf, unionOf } from './algebra.ts';

/** Number of sets whose counts are cached. */
const REMEMBERED = 1_000;
const NO_MATCHES: Matches = { known: 0, unknown: 0, unknownExamples: [], identifiers: [] };

/** Opens sets, calls `work` with their blocks, and closes them. */
export type WithSets = <T>(names: readonly string[], work: (sets: readonly IdBlocks[]) => Promise<T>) => Promise<T>;
/** Counts of sets in a population. */
export class SetMatches {
  readonly #withSets: WithSets;
  readonly #matches = new LRUCache<string, Promise<Matches>>({ max: REMEMBERED });
  readonly #listed = new LRUCache<string, Promise<number>>({ max: REMEMBERED });

  constructor(withSets: WithSets) {
    this.#withSets = withSets;
  }

  /** Caches the counts of a set that was counted while it was written. */
  remember(set: string, population: MatchedPopulation, matches: Matches): void {
    this.#matches.set(keyOf(population, set), Promise.resolve(matches));
  }

  of(set: string, population: MatchedPopulation): Promise<Matches> {
    return remembered(this.#matches, keyOf(population, set), () =>
      this.#withSets([set], ([ids]) => tallyOf(ids!, population)),
    );
  }

  /** Number of known users of a set who are on at least one of the lists. */
  async listedOf(set: string, lists: readonly string[], population: MatchedPopulation): Promise<number> {
    if (lists.length === 0) return 0;
    return remembered(this.#listed, keyOf(population, set, ...lists), () =>
      this.#withSets([set], ([ids]) => this.countListed(ids!, lists, population)),
    );
  }

  /** Like `listedOf`, for ids that are not stored as a set. */
  async countListed(ids: IdBlocks, lists: readonly string[], population: MatchedPopulation): Promise<number> {
    if (lists.length === 0) return 0;
    return this.#withSets(lists, async (opened) => {
      const listed = opened.reduce(unionOf);
      return (await tallyOf(intersectionOf(ids, listed), population)).known;
    });
  }
}

/** The owners of the suppression lists that apply to a campaign. */
export function listOwners(campaignId: string): readonly SetOwner[] {
  return [{ kind: 'suppression', campaignId }, { kind: 'common_suppression' }];
}

/** Numbers of known users of a set who are also in other sets; null for suppression lists. */
export type Overlaps = Pick<MatchReport, 'suppressed' | 'contradicting'>;

export const NO_OVERLAPS: Overlaps = { suppressed: null, contradicting: null };

export function reportOn(
  { counts: { received, duplicate }, ...set }: Omit<OwnedSet, 'name'>,
  matches: Matches,
  overlaps: Overlaps,
  expiring: ExpirySummary | null,
): MatchReport {
  const { weights, consentBasis, createdAt, updatedAt } = set;
  const users = received - duplicate;
  return { received, duplicate, users, ...matches, ...overlaps, weights, consentBasis, expiring, createdAt, updatedAt };
}

/** The report for an owner without a set. */
export function reportOnNone(owner: SetOwner): MatchReport {
  const counts = { received: 0, duplicate: 0, ...NO_MATCHES };
  const overlaps = canExpire(owner) ? NO_OVERLAPS : { suppressed: 0, contradicting: 0 };
  const expiring = canExpire(owner) ? { users: 0, nextAt: null } : null;
  const nothing = { weights: null, consentBasis: null, expiring, createdAt: null, updatedAt: null };
  return { ...counts, users: 0, ...overlaps, ...nothing };
}

function keyOf(population: MatchedPopulation, ...sets: readonly string[]): string {
  return [population.version, ...sets].join(' ');
}

/** A cached or pending result; failures are not cached. */
function remembered<T extends object | number>(
  memory: LRUCache<string, Promise<T>>,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = work();
  made.catch(() => memory.delete(key));
  memory.set(key, made);
  return made;
}

/** Counts the known and unknown ids in a stream of blocks. */
export class MatchTally {
  readonly #population: MatchedPopulation;
  readonly #maximumUsers: number;
  readonly #onUnknown: ((userId: string) => void) | undefined;
  readonly #examples: string[] = [];
  readonly #maximumRows: number;
  readonly #labels = new Map<string, { users: number; known: number }>();
  #known = 0;
  #unknown = 0;
  #outside = 0;
  #rows = 0;

  /**
   * Without a maximum, any number of users is accepted. `onUnknown` is called with each id that is not in the
   * population and has no features.
   */
  constructor(
    population: MatchedPopulation,
    maximumUsers = Number.POSITIVE_INFINITY,
    { onUnknown, maximumRows = Number.POSITIVE_INFINITY }: Pick<ChangeOptions, 'onUnknown' | 'maximumRows'> = {},
  ) {
    this.#population = population;
    this.#maximumUsers = maximumUsers;
    this.#maximumRows = maximumRows;
    this.#onUnknown = onUnknown;
  }

  /**
   * Passes the blocks through and counts their ids.
   * @throws AppError too_many_seeds
   */
  *over(blocks: IdBlocks): Generator<IdBlock, void, void> {
    for (const block of blocks) {
      for (let i = 0; i < block.length; i++) this.#count(block[i]!, block.features?.[i] !== undefined);
      refuseMoreUsers(this.#known + this.#unknown + this.#outside, this.#maximumUsers);
      refuseMoreRows(this.#rows, this.#maximumRows);
      yield block;
    }
  }

  matches(): Matches {
    const identifiers = [...this.#labels].map(([label, counts]) => ({ label, ...counts }));
    identifiers.sort((a, b) => (a.label < b.label ? -1 : 1));
    const outside = this.#outside === 0 ? {} : { outside: this.#outside };
    return { known: this.#known, unknown: this.#unknown, ...outside, unknownExamples: this.#examples, identifiers };
  }

  #count(userId: string, hasFeatures: boolean): void {
    if (hasFeatures) this.#rows += 1;
    const isKnown = this.#population.has(userId);
    this.#countLabel(userId, isKnown);
    if (isKnown) {
      this.#known += 1;
      return;
    }
    if (hasFeatures) {
      this.#outside += 1;
      return;
    }
    this.#unknown += 1;
    if (this.#examples.length < UNKNOWN_EXAMPLES) this.#examples.push(userId);
    this.#onUnknown?.(userId);
  }

  #countLabel(userId: string, isKnown: boolean): void {
    const label = labelOfId(userId);
    if (label === null) return;
    const counts = this.#labels.get(label) ?? { users: 0, known: 0 };
    counts.users += 1;
    if (isKnown) counts.known += 1;
    this.#labels.set(label, counts);
  }
}

/** Counts the ids of `blocks` that match the population; other work can run between two blocks. */
export async function tallyOf(
  blocks: IdBlocks,
  population: MatchedPopulation,
  onUnknown?: (userId: string) => void,
): Promise<Matches> {
  const tally = new MatchTally(population, Number.POSITIVE_INFINITY, onUnknown && { onUnknown });
  for (const _ of tally.over(blocks)) await setImmediate();
  return tally.matches();
}

/** The users of each block who are not in the population, without those who were sent with their features. */
export function* unknownIn(blocks: IdBlocks, population: MatchedPopulation): Generator<readonly string[], void, void> {
  for (const block of blocks)
    yield block.filter((userId, i) => block.features?.[i] === undefined && !population.has(userId));
}
