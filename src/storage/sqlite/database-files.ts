/**
 * Whether the files of an open database are still at their paths. SQLite goes on in files that were removed, and all
 * that it commits there is gone with the process: so nothing is written any more, and the database is saved from the
 * open connection under another name.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { LostFiles } from '../../domain/ports/health.ts';
import type { StoreReserve } from '../../domain/ports/reserve.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { createClosedFolder, syncFile, syncFolder } from '../../lib/files/durable-files.ts';
import type { Database } from './database.ts';
import { isDiskFull } from './reserve.ts';
import { savedFile } from './saved-database.ts';

export class DatabaseFiles {
  readonly #database: Database;
  readonly #isSaver: boolean;
  readonly #now: () => number;
  readonly #reserve: Pick<StoreReserve, 'giveUp'> | null;
  /** Device and inode of each path when the database was opened. */
  readonly #there: ReadonlyMap<string, string>;
  #lost: LostFiles | null = null;

  /** Of a connection that has just been opened. One connection of a service saves (`isSaver`). */
  constructor(
    database: Database,
    {
      isSaver,
      now,
      reserve = null,
    }: {
      readonly isSaver: boolean;
      readonly now: () => number;
      /** Given up where the disk is too full to save it. */
      readonly reserve?: Pick<StoreReserve, 'giveUp'> | null;
    },
  ) {
    this.#database = database;
    this.#isSaver = isSaver;
    this.#now = now;
    this.#reserve = reserve;
    const { name } = database;
    const paths = [dirname(name), name, `${name}-wal`, `${name}-shm`];
    this.#there = new Map(
      paths.flatMap((path) => {
        const id = identityOf(path);
        return id === null ? [] : [[path, id]];
      }),
    );
  }

  /**
   * What is missing, or is another file, and where the database was saved; null while all are there. Takes some
   * microseconds; the first time that something is lost, as long as it takes to save all of it.
   */
  look(): LostFiles | null {
    if (this.#lost === null) {
      const path = [...this.#there].find(([path, id]) => identityOf(path) !== id)?.[0];
      if (path === undefined) return null;
      const how = existsSync(path) ? 'was replaced' : 'is missing';
      this.#lost = { what: `${basename(path)} ${how}`, savedAs: null, failure: null };
    }
    if (this.#isSaver && this.#lost.savedAs === null && !this.#database.inTransaction) this.#save(this.#lost);
    return this.#lost;
  }

  /** @throws AppError database_lost */
  refuseIfLost(): void {
    const lost = this.look();
    if (lost !== null) throw refusal(lost);
  }

  /**
   * After a commit that found its files gone: it is kept where it was saved. @throws AppError database_lost if it was
   * not
   */
  keepCommitted(): void {
    const lost = this.look();
    if (lost !== null && lost.savedAs === null) throw refusal(lost);
  }

  /** A failure is tried again at the next look: a statement may be in progress. */
  #save(lost: LostFiles): void {
    const target = savedFile(this.#database.name, this.#isFolderThere(), this.#now());
    const unfinished = `${target}.tmp`;
    try {
      this.#saveAs(target, unfinished);
      this.#lost = { ...lost, savedAs: target, failure: null };
    } catch (error) {
      this.#lost = { ...lost, failure: messageOf(error) };
      this.#makeRoom(error);
    }
  }

  #saveAs(target: string, unfinished: string): void {
    createClosedFolder(dirname(target));
    rmSync(unfinished, { force: true });
    this.#database.prepare('VACUUM INTO @unfinished').run({ unfinished });
    syncFile(unfinished);
    renameSync(unfinished, target);
    syncFolder(dirname(target));
  }

  /** For the next look. A folder in the place of the lost one has a reserve of its own. */
  #makeRoom(failure: unknown): void {
    if (!isDiskFull(failure) || !this.#isFolderThere()) return;
    try {
      this.#reserve?.giveUp();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Another folder in its place is not for this database. */
  #isFolderThere(): boolean {
    const folder = dirname(this.#database.name);
    return !existsSync(folder) || identityOf(folder) === this.#there.get(folder);
  }
}

function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

function refusal({ what }: LostFiles): AppError {
  return new AppError(
    'database_lost',
    `a file of the database was removed or replaced while it was open (${what}): nothing is written any more`,
  );
}
