/**
 * Checks whether the files of an open database are still at their paths. SQLite continues to use removed files, whose
 * contents are lost when the process ends. So after a loss, writing stops, and the database is saved under another name
 * through the open connection.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { LostFiles } from '../../../domain/ports/health.ts';
import type { StoreReserve } from '../../../domain/ports/reserve.ts';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { createClosedFolder, listFolder, syncFile, syncFolder, withStorage } from '../../../lib/files/durable-files.ts';
import { type Connection, DATABASE_FILE } from './database.ts';
import { connect, openUntouched } from './driver.ts';
import { setAside } from './folder-mark.ts';
import { isDiskFull } from './reserve.ts';

export class DatabaseFiles {
  readonly #database: Connection;
  readonly #isSaver: boolean;
  readonly #now: () => number;
  readonly #reserve: Pick<StoreReserve, 'giveUp'> | null;
  /** Device and inode of each path when the database was opened. */
  readonly #there: ReadonlyMap<string, string>;
  #lost: LostFiles | null = null;

  /**
   * Call this for a connection that has just been opened. Only one connection of a service saves the database
   * (`isSaver`).
   */
  constructor(
    database: Connection,
    {
      isSaver,
      now,
      reserve = null,
    }: {
      readonly isSaver: boolean;
      readonly now: () => number;
      /** The reserve of disk space, which is released if the disk is too full to save the database. */
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
   * Checks the files. Returns the file that is missing or was replaced, and the path of the saved database; null if all
   * files are in place. A check takes microseconds, except when a loss is first found and the database is saved.
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
   * Call this if files are gone after a commit. If the database was saved, the commit is kept. @throws AppError
   * database_lost if the database was not saved
   */
  keepCommitted(): void {
    const lost = this.look();
    if (lost !== null && lost.savedAs === null) throw refusal(lost);
  }

  /** Saves the database. A failed save is repeated at the next check, because a statement may have been in progress. */
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

  /** Frees space for the next attempt. A new folder in place of the lost folder has a separate reserve. */
  #makeRoom(failure: unknown): void {
    if (!isDiskFull(failure) || !this.#isFolderThere()) return;
    try {
      this.#reserve?.giveUp();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Whether the data folder exists and is the folder of this database, not a new folder at the same path. */
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
    `a file of the database was removed or replaced while it was open (${what}): writing has stopped`,
  );
}

const SAVED = '.saved-';
/**
 * Matches the end of the name of a completely saved database. A service that is killed while saving leaves `UNFINISHED`
 * files.
 */
const TIME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;
const UNFINISHED = /\.tmp(-journal)?$/;
const OPEN_FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`];

/** A new path for saving the database. */
function savedFile(database: string, isFolderThere: boolean, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[:.]/g, '-');
  return `${isFolderThere ? database : dirname(database)}${SAVED}${time}`;
}

/** The paths of the saved databases of this data folder, oldest first. */
export function findSaved(dataDir: string): string[] {
  const folder = resolve(dataDir);
  const inside = namesIn(folder, `${DATABASE_FILE}${SAVED}`, TIME);
  const beside = namesIn(dirname(folder), `${basename(folder)}${SAVED}`, TIME);
  return [...beside, ...inside];
}

/**
 * Checks for saved databases. @throws AppError invalid_argument if a database was saved and no service has put it back
 * yet
 */
export function refuseUntilTaken(dataDir: string): void {
  const saved = findSaved(dataDir).at(-1);
  if (saved === undefined) return;
  throw new AppError(
    'invalid_argument',
    `the database of ${dataDir} was removed or replaced while a service had it open, and is saved as ${saved}: ` +
      'start serve again to put the saved database back',
  );
}

/**
 * Checks, without changes, whether `takeSaved` would succeed. @throws AppError invalid_argument if `takeSaved` would
 * not put a saved database back automatically
 */
export function requireTakeable(dataDir: string): void {
  const saved = findSaved(dataDir).at(-1);
  if (saved !== undefined) judgeSaved(resolve(dataDir), saved);
}

/**
 * Puts the latest saved database back if it is certainly newer than the database file, that is, if the database file is
 * missing, is not a database, or is an earlier state of the same generation. The existing file is set aside, and
 * unfinished saved files are removed. The caller must hold the lock of the folder. Returns the file that was put back;
 * null if there was no saved database. @throws AppError invalid_argument, with advice, if the existing file is another
 * database; storage_failed
 */
export function takeSaved(
  dataDir: string,
  now: number,
): { readonly taken: string; readonly aside: string | null } | null {
  const folder = resolve(dataDir);
  for (const path of namesIn(folder, `${DATABASE_FILE}${SAVED}`, UNFINISHED))
    withStorage(`remove ${path}`, () => rmSync(path, { force: true }));
  const saved = findSaved(folder);
  const newest = saved.at(-1);
  if (newest === undefined) return null;
  judgeSaved(folder, newest);
  const file = join(folder, DATABASE_FILE);
  return withStorage(`take ${newest}`, () => {
    const others = saved.filter((path) => path !== newest).map((path) => path.slice(folder.length + 1));
    const aside = setAside(folder, [...OPEN_FILES, ...others], now);
    renameSync(newest, file);
    syncFolder(folder);
    return { taken: newest, aside };
  });
}

function judgeSaved(folder: string, newest: string): void {
  const stateOfSaved = stateOf(newest);
  if (stateOfSaved === null) throw choose(folder, newest, 'the saved file cannot be read');
  const file = join(folder, DATABASE_FILE);
  const stateThere = existsSync(file) ? stateOf(file) : null;
  if (dirname(newest) !== folder)
    throw choose(folder, newest, `${folder} is not the folder from which the database was opened`);
  if (stateThere !== null && !isEarlier(stateThere, stateOfSaved))
    throw choose(folder, newest, `${file} is another database, or has rows that the saved database lacks`);
}

interface State {
  readonly database: string;
  readonly generation: string;
  /** The last row number that was used in each table. */
  readonly sequences: ReadonlyMap<string, number>;
}

/** The state of a saved or existing database; null if the file is not a database of a service. */
function stateOf(path: string): State | null {
  let database: Connection | undefined;
  try {
    database = openUntouched(path) ?? connect(path, { fileMustExist: true });
    if (database.pragma('quick_check(1)', { simple: true }) !== 'ok') return null;
    const identity = database.prepare('SELECT database_id AS database, generation FROM installation').get() as Omit<
      State,
      'sequences'
    >;
    const rows = database.prepare('SELECT name, seq FROM sqlite_sequence').all() as { name: string; seq: number }[];
    return { ...identity, sequences: new Map(rows.map(({ name, seq }) => [name, seq])) };
  } catch {
    return null;
  } finally {
    database?.close();
  }
}

function isEarlier(there: State, saved: State): boolean {
  if (there.database !== saved.database || there.generation !== saved.generation) return false;
  return [...there.sequences].every(([name, seq]) => seq <= (saved.sequences.get(name) ?? 0));
}

function choose(folder: string, saved: string, why: string): AppError {
  const file = join(folder, DATABASE_FILE);
  return new AppError(
    'invalid_argument',
    `the database of ${folder} was removed or replaced while a service had it open, and is saved as ${saved}; ` +
      `it is not put back automatically, because ${why}. To put it back: move ${file} and its -wal and -shm ` +
      `files away, then mv ${saved} ${file}. To continue with the database that is there: move ${saved} to a ` +
      'place outside',
  );
}

function namesIn(folder: string, prefix: string, rest: RegExp): string[] {
  return withStorage(`list ${folder}`, () =>
    listFolder(folder)
      .filter((name) => name.startsWith(prefix) && rest.test(name.slice(prefix.length)))
      .sort()
      .map((name) => join(folder, name)),
  );
}
