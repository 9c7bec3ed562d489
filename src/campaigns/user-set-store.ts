/** Seeds and suppression lists as sets that are replaced, added to and taken from, and how they match a population. */
import { setImmediate } from 'node:timers/promises';
import { listFolder, removeQuietly, withStorage } from '../lib/durable-files.ts';
import { AppError } from '../lib/errors.ts';
import { type Database, write } from './database.ts';
import { UNKNOWN_EXAMPLES } from './seeds.ts';
import {
  assignSet,
  deleteUnusedRows,
  hasRow,
  type OwnedSet,
  readOwnedSet,
  recordSet,
  type SetOwner,
} from './set-rows.ts';
import type { SeedCounts } from './types.ts';
import { differenceOf, intersectionOf, unionOf } from './user-set-algebra.ts';
import { IdSorter } from './user-set-sort.ts';
import { removeUnfinished, writeBlocks } from './user-set-writer.ts';
import { type IdBlocks, userSetBlocks, userSetPath } from './user-sets.ts';

/** The population version that sets are matched with. */
export interface MatchedPopulation {
  readonly version: string;
  has(userId: string): boolean;
}

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

/** What may keep a change from being made. */
export interface ChangeOptions {
  /** Called when the new set is written, right before it takes effect; where it throws, nothing has changed. */
  readonly accept?: () => void;
}

type Matches = Pick<SeedCounts, 'known' | 'unknown' | 'unknownExamples'>;

/** Numbers that are remembered, of this many sets. */
const REMEMBERED = 1_000;
const NO_MATCHES: Matches = { known: 0, unknown: 0, unknownExamples: [] };

/**
 * Every change is one transaction: its effect is on the disk when it returns, or there was none. A set that an expansion uses stays
 * as it is: changes make another one.
 */
export class UserSets {
  readonly #database: Database;
  readonly #folder: string;
  readonly #now: () => number;
  readonly #matches = new Map<string, Promise<Matches>>();
  readonly #suppressed = new Map<string, Promise<number>>();

  constructor(database: Database, folder: string, now: () => number) {
    this.#database = database;
    this.#folder = folder;
    this.#now = now;
  }

  /** Where ids of an upload are collected. Who makes one closes it. */
  collect(): IdSorter {
    return new IdSorter(this.#folder);
  }

  /**
   * Replaces the owner's set by the ids collected, adds them to it, or takes them from it. Changes made at once have their effects one
   * after the other.
   * @throws AppError campaign_not_found; too_many_seeds (more than `maximumUsers`); storage_failed; what `accept` throws
   */
  async change(
    owner: SetOwner,
    how: 'replace' | 'add' | 'remove',
    collected: IdSorter,
    population: MatchedPopulation,
    maximumUsers: number,
    options: ChangeOptions = {},
  ): Promise<MatchReport> {
    while (!(await this.#tryChange(owner, how, collected, population, maximumUsers, options))) {
      // another change came between: this one is made again, of what that one left
    }
    return this.report(owner, population);
  }

  /** The sha256 of the owner's set; null where there is none. @throws AppError campaign_not_found */
  find(owner: SetOwner): string | null {
    return readOwnedSet(this.#database, owner)?.sha256 ?? null;
  }

  /** Takes the owner's set away. @throws AppError campaign_not_found */
  clear(owner: SetOwner): void {
    const before = write(this.#database, () => {
      const owned = readOwnedSet(this.#database, owner);
      assignSet(this.#database, owner, null, this.#now());
      return owned;
    });
    if (before !== null) this.#removeUnused(before.sha256);
  }

  /** How the owner's set matches now. @throws AppError campaign_not_found, storage_failed */
  async report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport> {
    const owned = readOwnedSet(this.#database, owner);
    const isSeeds = owner.kind === 'seeds';
    if (owned === null) {
      const counts = { received: 0, duplicate: 0, users: 0, ...NO_MATCHES };
      return { ...counts, suppressed: isSeeds ? 0 : null, createdAt: null, updatedAt: null };
    }
    const { sha256, counts, createdAt, updatedAt } = owned;
    // at once: both open their files now, while they are there
    const [matches, suppressed] = await Promise.all([
      this.#matchesOf(sha256, population),
      isSeeds ? this.#suppressedOf(sha256, owner.campaignId, population) : null,
    ]);
    const { received, duplicate } = counts;
    return { received, duplicate, users: received - duplicate, ...matches, suppressed, createdAt, updatedAt };
  }

  /** The ids of the owner's set that the population does not have, sorted, in blocks of which some are empty. @throws AppError campaign_not_found; storage_failed */
  *unknownOf(owner: SetOwner, population: MatchedPopulation): Generator<readonly string[], void, void> {
    for (const block of this.#blocks(readOwnedSet(this.#database, owner)?.sha256)) {
      yield block.filter((userId) => !population.has(userId));
    }
  }

  /** Removes the sets that nothing refers to. */
  removeUnused(): void {
    this.#removeUnused();
  }

  /** Removes what killed processes left. Only while nobody writes: at the start of a service. */
  removeLeftovers(): void {
    removeUnfinished(this.#folder);
    this.#removeUnused();
    for (const sha256 of setsIn(this.#folder)) this.#removeFile(sha256);
  }

  async #tryChange(
    owner: SetOwner,
    how: 'replace' | 'add' | 'remove',
    collected: IdSorter,
    population: MatchedPopulation,
    maximumUsers: number,
    { accept }: ChangeOptions,
  ): Promise<boolean> {
    const before = readOwnedSet(this.#database, owner);
    const tally = new Tally(population, maximumUsers);
    const set = await writeBlocks(
      this.#folder,
      tally.over(combine(how, this.#blocks(before?.sha256), collected.blocks())),
    );
    try {
      const isChanged = write(this.#database, () => {
        const now = this.#now();
        const current = readOwnedSet(this.#database, owner);
        if (how !== 'replace' && current?.sha256 !== before?.sha256) return false;
        accept?.();
        recordSet(this.#database, set, now);
        const received = receivedAfter(how, collected.received, current, set.users);
        const counts = { received, duplicate: received - set.users, ...tally.matches() };
        const createdAt = current?.createdAt ?? now;
        assignSet(this.#database, owner, { sha256: set.sha256, counts, createdAt, updatedAt: now }, now);
        return true;
      });
      if (!isChanged) return false;
    } finally {
      set.discard();
    }
    remember(this.#matches, keyOf(population, set.sha256), Promise.resolve(tally.matches()));
    if (before !== null && before.sha256 !== set.sha256) this.#removeUnused(before.sha256);
    return true;
  }

  #blocks(sha256: string | undefined): IdBlocks {
    return sha256 === undefined ? [] : userSetBlocks(this.#folder, sha256);
  }

  #matchesOf(sha256: string, population: MatchedPopulation): Promise<Matches> {
    return remembered(this.#matches, keyOf(population, sha256), async () => {
      const tally = new Tally(population, Number.POSITIVE_INFINITY);
      for (const _ of tally.over(this.#blocks(sha256))) await setImmediate();
      return tally.matches();
    });
  }

  #suppressedOf(sha256: string, campaignId: string, population: MatchedPopulation): Promise<number> {
    const lists = ([{ kind: 'suppression', campaignId }, { kind: 'common_suppression' }] as const)
      .map((owner) => readOwnedSet(this.#database, owner)?.sha256)
      .filter((list) => list !== undefined);
    if (lists.length === 0) return Promise.resolve(0);
    return remembered(this.#suppressed, keyOf(population, sha256, ...lists), async () => {
      const suppressed = lists.map((list) => this.#blocks(list)).reduce(unionOf);
      const tally = new Tally(population, Number.POSITIVE_INFINITY);
      for (const _ of tally.over(intersectionOf(this.#blocks(sha256), suppressed))) await setImmediate();
      return tally.matches().known;
    });
  }

  /** First the rows: a file that no row names is harmless, a row without its file is not. */
  #removeUnused(sha256?: string): void {
    const removed = write(this.#database, () => deleteUnusedRows(this.#database, sha256));
    for (const each of removed) this.#removeFile(each);
  }

  /** Removes the file unless a row names it (again): files get their names in write transactions too, so none is removed that is just recorded. */
  #removeFile(sha256: string): void {
    write(this.#database, () => {
      if (!hasRow(this.#database, sha256)) removeQuietly(userSetPath(this.#folder, sha256), { recursive: false });
    });
  }
}

/** Counts ids as they go by. */
class Tally {
  readonly #population: MatchedPopulation;
  readonly #maximumUsers: number;
  readonly #examples: string[] = [];
  #known = 0;
  #unknown = 0;

  constructor(population: MatchedPopulation, maximumUsers: number) {
    this.#population = population;
    this.#maximumUsers = maximumUsers;
  }

  *over(blocks: IdBlocks): Generator<readonly string[], void, void> {
    for (const block of blocks) {
      for (const userId of block) {
        if (this.#population.has(userId)) this.#known += 1;
        else {
          this.#unknown += 1;
          if (this.#examples.length < UNKNOWN_EXAMPLES) this.#examples.push(userId);
        }
      }
      if (this.#known + this.#unknown > this.#maximumUsers) throw tooManyUsers(this.#maximumUsers);
      yield block;
    }
  }

  matches(): Matches {
    return { known: this.#known, unknown: this.#unknown, unknownExamples: this.#examples };
  }
}

function combine(how: 'replace' | 'add' | 'remove', before: IdBlocks, collected: IdBlocks): IdBlocks {
  if (how === 'replace') return collected;
  return how === 'add' ? unionOf(before, collected) : differenceOf(before, collected);
}

function receivedAfter(
  how: 'replace' | 'add' | 'remove',
  collected: number,
  before: OwnedSet | null,
  users: number,
): number {
  const { received, duplicate } = before?.counts ?? { received: 0, duplicate: 0 };
  if (how === 'replace') return collected;
  return how === 'add' ? received + collected : users + duplicate;
}

function keyOf(population: MatchedPopulation, ...sets: readonly string[]): string {
  return [population.version, ...sets].join(' ');
}

/** What was worked out before, or is being; a failure is forgotten. */
function remembered<T>(memory: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = work();
  made.catch(() => memory.delete(key));
  remember(memory, key, made);
  return made;
}

function remember<T>(memory: Map<string, Promise<T>>, key: string, value: Promise<T>): void {
  if (memory.size >= REMEMBERED) memory.delete(memory.keys().next().value!);
  memory.set(key, value);
}

function setsIn(folder: string): string[] {
  return withStorage('read the user sets', () => listFolder(folder))
    .filter((name) => /^[0-9a-f]{64}\.txt$/.test(name))
    .map((name) => name.slice(0, -'.txt'.length));
}

function tooManyUsers(limit: number): AppError {
  const message = `a set has at most ${limit} user ids`;
  return new AppError('too_many_seeds', message, { details: [{ pointer: '', limit, message }] });
}
