/** Reads which files a data folder should contain and which it contains, over a read-only connection. */
import { statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { DamagedRow, StoreContents, StoredName, StoreUpkeep } from '../../domain/ports/upkeep.ts';
import { RANKINGS, rankingFolder } from '../../domain/ranking-name.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import { FileBlobs } from '../files/blobs.ts';
import { SEED_FOLDER } from '../files/set-file.ts';
import { databaseOf } from './database/data-folder.ts';
import { type Database, openForReading } from './database/database.ts';
import { discardFiles, listSetAside } from './database/folder-mark.ts';
import { databaseFaults, findDamagedRows, isDamaged } from './database/row-sums.ts';
import { setNames } from './set-rows.ts';

const SET_FILE = /^([0-9a-f]{64})\.txt$/;
const UUID_LENGTH = 36;

/** @throws AppError invalid_argument if there is no data folder of this version; storage_failed */
export function openUpkeep(dataDir: string): StoreUpkeep {
  const absolute = resolve(dataDir);
  return new SqliteUpkeep(openForReading(databaseOf(absolute)), absolute);
}

/**
 * The bytes that an ordinary user may still write to the disk of the data folder.
 * @throws AppError storage_failed
 */
export function freeBytes(dataDir: string): number {
  const { bavail, bsize } = withStorage(`read the free space of ${dataDir}`, () => statfsSync(dataDir));
  return bavail * bsize;
}

class SqliteUpkeep implements StoreUpkeep {
  readonly blobs: Blobs;
  readonly #database: Database;
  readonly #dataDir: string;

  constructor(database: Database, dataDir: string) {
    this.#database = database;
    this.#dataDir = dataDir;
    this.blobs = new FileBlobs(dataDir);
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

  files(): StoredName[] {
    return withStorage(`list ${this.#dataDir}`, () => storedFiles(this.#dataDir));
  }

  remove(files: readonly StoredName[], now: number): string | null {
    const paths = files.map(({ path }) => path);
    return discardFiles(this.#database, this.#dataDir, paths, now);
  }

  setAside(): string[] {
    return listSetAside(this.#dataDir);
  }

  close(): void {
    this.#database.close();
  }
}

/** What is in the folders of a data folder or a backup, whether a row refers to it or not. */
export function storedFiles(dataDir: string): StoredName[] {
  const sets = listFolder(join(dataDir, SEED_FOLDER)).map((name) => ({
    path: `${SEED_FOLDER}/${name}`,
    set: SET_FILE.exec(name)?.[1] ?? null,
  }));
  const rankings = listFolder(join(dataDir, RANKINGS)).flatMap((campaignId) =>
    listFolder(join(dataDir, RANKINGS, campaignId)).map((name) => ({
      path: rankingFolder(campaignId, name),
      // a folder that is being written, or was replaced, has a longer name
      ranking: name.length === UUID_LENGTH ? rankingFolder(campaignId, name) : null,
      expansionId: name.slice(0, UUID_LENGTH),
    })),
  );
  return [...sets, ...rankings];
}

/** What the rows of a database refer to, as of one moment. */
export function contentsOf(database: Database): StoreContents {
  return database.transaction(() => ({
    sets: new Set(setNames(database)),
    rankings: new Set(database.prepare('SELECT DISTINCT folder FROM audiences').pluck().all() as string[]),
    running: new Set(
      database.prepare('SELECT e.id FROM expansions e JOIN jobs j ON j.expansion = e.number').pluck().all() as string[],
    ),
  }))();
}
