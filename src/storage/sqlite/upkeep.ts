/** Lists the expected and the existing files of a data folder, over a read-only connection. */
import { resolve } from 'node:path';
import type { DamagedRow, StoreContents, StoreUpkeep } from '../../domain/ports/upkeep.ts';
import { withStorage } from '../../lib/files/durable-files.ts';
import { FileBlobs } from '../files/blobs.ts';
import { PromisedBlobs } from '../files/promised-blobs.ts';
import { type StoredFile, storedFiles } from '../files/stored-files.ts';
import { databaseOf } from './database/data-folder.ts';
import { type Database, openForReading } from './database/database.ts';
import { discardFiles, listSetAside } from './database/folder-mark.ts';
import { databaseFaults, findDamagedRows, isDamaged } from './database/row-sums.ts';
import { promised, type Synchronous } from './promised.ts';
import { setNames } from './set-rows.ts';

/** @throws AppError invalid_argument if there is no data folder of this version; storage_failed */
export function openUpkeep(dataDir: string): StoreUpkeep {
  const absolute = resolve(dataDir);
  const upkeep = new SqliteUpkeep(openForReading(databaseOf(absolute)), absolute);
  return {
    blobs: new PromisedBlobs(new FileBlobs(absolute)),
    async *damagedRows() {
      return yield* upkeep.damagedRows();
    },
    ...promised(upkeep, ['faults', 'isDamaged', 'contents', 'orphans', 'remove', 'setAside', 'close']),
  };
}

class SqliteUpkeep implements Synchronous<Omit<StoreUpkeep, 'blobs' | 'damagedRows'>> {
  readonly #database: Database;
  readonly #dataDir: string;

  constructor(database: Database, dataDir: string) {
    this.#database = database;
    this.#dataDir = dataDir;
  }

  faults(): string[] {
    return databaseFaults(this.#database);
  }

  damagedRows(): Generator<number, readonly DamagedRow[], void> {
    return findDamagedRows(this.#database);
  }

  isDamaged(row: DamagedRow): boolean {
    return isDamaged(this.#database, row);
  }

  contents(): StoreContents {
    return contentsOf(this.#database);
  }

  orphans(isAlone: boolean): string[] {
    return findOrphans(this.#database, this.#dataDir, isAlone).map(({ path }) => path);
  }

  remove(paths: readonly string[], now: number): string | null {
    return discardFiles(this.#database, this.#dataDir, paths, now);
  }

  setAside(): string[] {
    return listSetAside(this.#dataDir);
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * Lists files that no row refers to, except files that a running expansion may be writing. If no other process is
 * writing (`isAlone`), all unfinished files are included. Files are listed before rows, so files created later are not
 * in the list.
 * @throws AppError storage_failed
 */
export function findOrphans(database: Database, dataDir: string, isAlone: boolean): StoredFile[] {
  const files = withStorage(`list ${dataDir}`, () => storedFiles(dataDir));
  const contents = contentsOf(database);
  return files.filter((file) => isOrphan(file, contents, isAlone));
}

export function isOrphan(file: StoredFile, { sets, rankings, running }: StoreContents, isAlone: boolean): boolean {
  if (file.kind === 'set') return file.set === null ? isAlone : !sets.has(file.set);
  return !rankings.has(file.path) && !running.has(file.expansionId);
}

/** The files that the rows of a database refer to, read from one consistent state. */
export function contentsOf(database: Database): StoreContents {
  return database.transaction(() => ({
    sets: new Set(setNames(database)),
    rankings: new Set(database.prepare('SELECT DISTINCT folder FROM audiences').pluck().all() as string[]),
    running: new Set(
      database.prepare('SELECT e.id FROM expansions e JOIN jobs j ON j.expansion = e.number').pluck().all() as string[],
    ),
  }))();
}
