/** Stores seeds and suppression lists in SQLite: changes to sets, and counts of their users in a population. */
import { setImmediate } from 'node:timers/promises';
import type { CollectedIds, UserSets } from '../../domain/ports/user-sets.ts';
import type { SeedCounts } from '../../domain/types.ts';
import {
  type Change,
  type ChangeOptions,
  type ChangeReport,
  type IdBlocks,
  type MatchedPopulation,
  type MatchReport,
  type OwnedSet,
  receivedAfter,
  type SetOwner,
  stillApplies,
} from '../../domain/user-sets.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import type { FileBlobs } from '../files/blobs.ts';
import { type ChangeTask, combine, sentOf, tallyFor } from '../files/change.ts';
import { IdSorter } from '../files/id-sorter.ts';
import { tallyOf } from '../files/match-tally.ts';
import { SEED_FOLDER, userSetBlocks, userSetFile } from '../files/set-file.ts';
import { listOwners, reportOn, reportOnNone, SetMatches } from '../files/set-matches.ts';
import { currentBlocks, untilUnchanged } from '../files/until-unchanged.ts';
import { type WrittenSet, writeBlocks } from '../files/writer.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import type { Connection } from './connection.ts';
import type { Database } from './database/database.ts';
import { writeToFree } from './database/reserve.ts';
import type { Synchronous } from './promised.ts';
import { assignSet, deleteUnusedRows, hasRow, readOwnedSet, recordSet } from './set-rows.ts';
import { findOrphans } from './upkeep.ts';

export class SqliteUserSets implements Synchronous<UserSets> {
  readonly #database: Database;
  readonly #dataDir: string;
  readonly #blobs: FileBlobs;
  readonly #discard: Connection['discard'];
  readonly #audit: SqliteAuditLog;
  readonly #now: () => number;
  readonly #matches = new SetMatches((names, work) => work(names.map((name) => this.#blocks(name))));

  constructor({ database, dataDir, blobs, options, discard }: Connection, audit: SqliteAuditLog) {
    this.#discard = discard;
    this.#database = database;
    this.#dataDir = dataDir;
    this.#audit = audit;
    this.#blobs = blobs;
    this.#now = () => options.clock.now();
  }

  collect(): CollectedIds {
    return new IdSorter(this.#blobs);
  }

  async change(
    owner: SetOwner,
    how: Change,
    collected: CollectedIds,
    population: MatchedPopulation,
    maximumUsers: number,
    options: ChangeOptions = {},
  ): Promise<ChangeReport> {
    // if the ids replace a set, they form the new set, and are matched while it is written
    const matches = how === 'replace' ? null : await tallyOf(collected.blocks(), population, options.onUnknown);
    const task = { owner, how, collected, population, maximumUsers, matches, ...options };
    if (options.isDryRun === true) return this.#untilUnchanged(owner, (before) => this.#preview(task, before));
    for (;;) {
      const sent = await this.#tryChange(task);
      if (sent !== null) return { ...(await this.report(owner, population)), sent };
      // another change was made in the meantime, so this change is applied again to the new state
    }
  }

  find(owner: SetOwner): string | null {
    return readOwnedSet(this.#database, owner)?.name ?? null;
  }

  clear(owner: SetOwner): void {
    const before = writeToFree(this.#database, () => {
      const owned = readOwnedSet(this.#database, owner);
      assignSet(this.#database, owner, null, this.#now());
      return owned;
    });
    if (before !== null) this.#removeUnused(before.name);
  }

  async report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport> {
    return this.#untilUnchanged(owner, async (owned) => {
      if (owned === null) return reportOnNone(owner);
      // both reads start at once, so that they open their files now, while the files exist
      const [matches, suppressed] = await Promise.all([
        this.#matches.of(owned.name, population),
        owner.kind === 'seeds'
          ? this.#matches.suppressedOf(owned.name, this.#listsOf(owner.campaignId), population)
          : null,
      ]);
      return reportOn(owned, matches, suppressed);
    });
  }

  *unknownOf(owner: SetOwner, population: MatchedPopulation): Generator<readonly string[], void, void> {
    for (const block of currentBlocks(this.#blobs, () => this.find(owner))) {
      yield block.filter((userId) => !population.has(userId));
    }
  }

  removeUnused(): void {
    this.#removeUnused();
  }

  /**
   * Removes unused sets, and files whose removal failed earlier. If another database made the folder, such files are
   * set aside.
   * @throws AppError storage_failed, after it has tried to remove all
   */
  removeAllUnused(): void {
    this.#removeUnused();
    const errors: unknown[] = [];
    for (const file of findOrphans(this.#database, this.#dataDir, false)) {
      if (file.kind !== 'set' || file.set === null) continue;
      try {
        this.#withUnused(file.set, () => this.#discard([file.path]));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  removeLeftovers(): void {
    this.#removeUnused();
    this.#discard(this.unnamedFiles());
  }

  /**
   * Lists unfinished files and files of unused sets, relative to the data folder. Call this only while no process is
   * writing.
   */
  unnamedFiles(): string[] {
    return findOrphans(this.#database, this.#dataDir, true)
      .filter((file) => file.kind === 'set' && (file.set !== null || file.path.endsWith('.tmp')))
      .map(({ path }) => path);
  }

  /** Makes the change and returns the counts of the sent ids; null if another change was made in the meantime. */
  async #tryChange(task: ChangeTask): Promise<SeedCounts | null> {
    const { owner, how, collected, population, action = null } = task;
    const before = readOwnedSet(this.#database, owner);
    const tally = tallyFor(task);
    let set: WrittenSet<void>;
    try {
      set = await writeBlocks(this.#blobs, tally.over(combine(how, this.#blocks(before?.name), collected.blocks())));
    } catch (error) {
      // another process may have replaced the set, and removed its file, before it was opened here
      if (isMissing(error) && readOwnedSet(this.#database, owner)?.name !== before?.name) return null;
      throw error;
    }
    const sent = sentOf(task, tally);
    try {
      const isChanged = this.#audit.with(action, () => {
        const now = this.#now();
        const current = readOwnedSet(this.#database, owner);
        if (!stillApplies(how, before, current)) return false;
        task.accept?.(sent);
        recordSet(this.#database, set, now);
        const received = receivedAfter(how, collected.received, current, set.users);
        const counts = { received, duplicate: received - set.users, ...tally.matches() };
        const createdAt = current?.createdAt ?? now;
        assignSet(this.#database, owner, { name: set.sha256, counts, createdAt, updatedAt: now }, now);
        return true;
      });
      if (!isChanged) return null;
    } finally {
      set.discard();
    }
    this.#matches.remember(set.sha256, population, tally.matches());
    if (before !== null && before.name !== set.sha256) this.#removeUnused(before.name);
    return sent;
  }

  /** Returns the report of a change without making the change. */
  async #preview(task: ChangeTask, before: OwnedSet | null): Promise<ChangeReport> {
    const { owner, how, collected, population } = task;
    const after = () => combine(how, this.#blocks(before?.name), collected.blocks());
    const tally = tallyFor(task);
    for (const _ of tally.over(after())) await setImmediate();
    const sent = sentOf(task, tally);
    task.accept?.(sent);
    const { known, unknown } = tally.matches();
    const users = known + unknown;
    const received = receivedAfter(how, collected.received, before, users);
    const suppressed =
      owner.kind === 'seeds'
        ? await this.#matches.countSuppressed(after(), this.#listsOf(owner.campaignId), population)
        : null;
    const { createdAt = null, updatedAt = null } = before ?? {};
    const counts = { received, duplicate: received - users, users, ...tally.matches() };
    return { ...counts, suppressed, createdAt, updatedAt, sent };
  }

  #untilUnchanged<T extends object>(owner: SetOwner, work: (owned: OwnedSet | null) => Promise<T>): Promise<T> {
    return untilUnchanged(() => readOwnedSet(this.#database, owner), work);
  }

  #blocks(name: string | undefined): IdBlocks {
    return name === undefined ? [] : userSetBlocks(this.#blobs, name);
  }

  /** Suppression lists that apply to a campaign. */
  #listsOf(campaignId: string): string[] {
    return listOwners(campaignId)
      .map((owner) => readOwnedSet(this.#database, owner)?.name)
      .filter((list) => list !== undefined);
  }

  /** Removes unused sets, rows first, because an unused file is harmless, but a row without its file is not. */
  #removeUnused(sha256?: string): void {
    const removed = writeToFree(this.#database, () => deleteUnusedRows(this.#database, sha256));
    for (const each of removed) this.#removeFile(each);
  }

  #removeFile(sha256: string): void {
    this.#withUnused(sha256, () => {
      try {
        this.#blobs.deleteFile(SEED_FOLDER, userSetFile(sha256));
      } catch (error) {
        // nobody reads an unused file; the next erasure of any user and the next start try again
        if (!(error instanceof AppError)) throw error;
      }
    });
  }

  /**
   * Removes a file with `remove` unless a row refers to it again. Files get their names in write transactions, so a
   * file that has just been recorded is not removed.
   */
  #withUnused(sha256: string, remove: () => void): void {
    writeToFree(this.#database, () => {
      if (!hasRow(this.#database, sha256)) remove();
    });
  }
}
