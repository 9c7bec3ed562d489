/**
 * Checks whether the files of an open database are still at their paths. SQLite keeps using removed files, and
 * everything that it commits to them is lost when the process ends. So nothing more is written, and the database is
 * saved under another name through the open connection.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { LostFiles } from '../../../domain/ports/health.ts';
import type { StoreReserve } from '../../../domain/ports/reserve.ts';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { createClosedFolder, listFolder, syncFile, syncFolder, withStorage } from '../../../lib/files/durable-files.ts';
import { DATABASE_FILE, type Database } from './database.ts';
import { connect, openUntouched } from './driver.ts';
import { setAside } from './folder-mark.ts';
import { isDiskFull } from './reserve.ts';

export class DatabaseFiles {
  readonly #database: Database;
  readonly #isSaver: boolean;
  readonly #now: () => number;
  readonly #reserve: Pick<StoreReserve, 'giveUp'> | null;
  /** Device and inode of each path when the database was opened. */
  readonly #there: ReadonlyMap<string, string>;
  #lost: LostFiles | null = null;

  /** For a connection that has just been opened. One connection of a service saves the database (`isSaver`). */
  constructor(
    database: Database,
    {
      isSaver,
      now,
      reserve = null,
    }: {
      readonly isSaver: boolean;
      readonly now: () => number;
      /** The reserve, which is released if the disk is too full to save the database. */
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
   * Checks the files: returns which file is missing or was replaced, and where the database was saved; null if all
   * files are in place. Takes microseconds, except when a loss is first found: then the database is saved.
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
   * Called after a commit that found the files gone: the commit is kept if the database was saved.
   * @throws AppError database_lost if it was not
   */
  keepCommitted(): void {
    const lost = this.look();
    if (lost !== null && lost.savedAs === null) throw refusal(lost);
  }

  /** Saving that failed is tried again at the next check, because a statement may be in progress. */
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

  /** Makes room for the next attempt. A new folder in place of the lost one has a reserve of its own. */
  #makeRoom(failure: unknown): void {
    if (!isDiskFull(failure) || !this.#isFolderThere()) return;
    try {
      this.#reserve?.giveUp();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Whether the data folder is there; a new folder in its place does not belong to this database. */
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
    `a file of the database was removed or replaced while it was open (${what}): nothing more is written`,
  );
}

const SAVED = '.saved-';
/**
 * The rest of the name of a completely saved database; a service that is killed while saving leaves `UNFINISHED` files.
 */
const TIME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;
const UNFINISHED = /\.tmp(-journal)?$/;
const OPEN_FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`];

/** The name for a database that is saved now. */
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

/** @throws AppError invalid_argument if a database was saved and no service has taken it yet */
export function refuseUntilTaken(dataDir: string): void {
  const saved = findSaved(dataDir).at(-1);
  if (saved === undefined) return;
  throw new AppError(
    'invalid_argument',
    `the database of ${dataDir} was removed or replaced while a service had it open, and is saved as ${saved}: ` +
      'start serve (again), which puts it back',
  );
}

/**
 * Checks without changing anything.
 * @throws AppError invalid_argument if a database was saved that `takeSaved` does not take automatically
 */
export function requireTakeable(dataDir: string): void {
  const saved = findSaved(dataDir).at(-1);
  if (saved !== undefined) judgeSaved(resolve(dataDir), saved);
}

/**
 * Puts the latest saved database in its place if it is certainly newer than the file there: that file is missing, is
 * not a database, or is an earlier state of the same generation. The file there is set aside. Unfinished saved files
 * are removed. The caller has the folder's lock. Returns the file that was taken; null if none was saved.
 * @throws AppError invalid_argument, with advice, if another database is there; storage_failed
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
  if (stateOfSaved === null) throw choose(folder, newest, 'it cannot be read');
  const file = join(folder, DATABASE_FILE);
  const stateThere = existsSync(file) ? stateOf(file) : null;
  if (dirname(newest) !== folder) throw choose(folder, newest, `${folder} is not the folder in which it was open`);
  if (stateThere !== null && !isEarlier(stateThere, stateOfSaved))
    throw choose(folder, newest, `${file} is another database, or has rows that the saved one lacks`);
}

interface State {
  readonly database: string;
  readonly generation: string;
  /** The last number of each table. */
  readonly sequences: ReadonlyMap<string, number>;
}

/** The state of a saved or present database; null if the file is not a database of a service. */
function stateOf(path: string): State | null {
  let database: Database | undefined;
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
    `the database of ${folder} was removed or replaced while a service had it open, and is saved as ${saved}; it is ` +
      `not put back automatically, because ${why}. To put it back: move ${file} and its -wal and -shm away, then ` +
      `mv ${saved} ${file}. To continue with the database that is there: move ${saved} to a place outside`,
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
