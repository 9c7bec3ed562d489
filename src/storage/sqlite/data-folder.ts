/** The data folder of a store. Files from another database are set aside, never removed. */
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { RANKINGS } from '../../domain/ranking-name.ts';
import type { Clock } from '../../lib/clock.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import type { StoreFolder } from '../sql/cleanup.ts';
import { contentsOf } from '../sql/upkeep.ts';
import { discardFiles, isOwn, renewGeneration, setAside, takeFolder } from './database/folder-mark.ts';
import type { SqliteDatabase } from './database/sqlite-database.ts';
import { findOrphans, storedFiles } from './orphans.ts';

const UUID_LENGTH = 36;

export class DataFolder implements StoreFolder {
  readonly #path: string;
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;

  constructor(path: string, database: SqliteDatabase, clock: Clock) {
    this.#path = path;
    this.#database = database;
    this.#clock = clock;
  }

  /** Moves files aside if another database created them. Returns whether it did. @throws AppError storage_failed */
  setAsideForeign(paths: readonly string[]): boolean {
    if (paths.length === 0 || isOwn(this.#database.connection, this.#path)) return false;
    setAside(this.#path, paths, this.#clock.now());
    return true;
  }

  async takeFolder(): Promise<string | null> {
    if (isOwn(this.#database.connection, this.#path) && !(await this.#hasStrangers())) {
      await this.renewGeneration();
      return null;
    }
    const moved = setAside(this.#path, await this.#leftovers(), this.#clock.now());
    this.removeEmptyFolders();
    await this.#database.alone((connection) => takeFolder(connection, this.#path));
    return moved;
  }

  /** Begins a new generation, unless another database has marked the folder meanwhile. */
  async renewGeneration(): Promise<void> {
    await this.#database.alone((connection) => {
      if (isOwn(connection, this.#path)) renewGeneration(connection, this.#path);
    });
  }

  async removeLeftovers(): Promise<void> {
    const leftovers = await this.#leftovers();
    discardFiles(this.#database.connection, this.#path, leftovers, this.#clock.now());
    this.removeEmptyFolders();
  }

  removeTraces(): Promise<void> {
    return this.#database.truncateLog();
  }

  /** Files that no row refers to, except foreign files in the folder of user sets. */
  async #leftovers(): Promise<string[]> {
    const orphans = await findOrphans(this.#path, () => contentsOf(this.#database), true);
    return orphans
      .filter((file) => file.kind === 'ranking' || file.set !== null || file.path.endsWith('.tmp'))
      .map(({ path }) => path);
  }

  /** Removes the folders of campaigns that have no rankings. @throws AppError storage_failed */
  removeEmptyFolders(): void {
    const folder = join(this.#path, RANKINGS);
    for (const campaignId of withStorage(`list ${folder}`, () => listFolder(folder))) {
      try {
        rmdirSync(join(folder, campaignId));
      } catch {
        // the folder contains rankings, or an expansion has just begun to write to it
      }
    }
  }

  /**
   * Whether there is a ranking of a campaign that this database never contained. A crash leaves no such ranking: a
   * campaign is recorded before its ranking is made, and stays in the list of changes. So a later state of this
   * database must have made the ranking, even if both states have the same generation.
   */
  async #hasStrangers(): Promise<boolean> {
    const found = storedFiles(this.#path).flatMap((file) =>
      file.kind === 'ranking' && file.isFinished ? [file.campaignId] : [],
    );
    const ids = [...new Set(found)].filter((id) => id.length === UUID_LENGTH);
    const { dialect } = this.#database;
    const stranger = await this.#database.get(
      `SELECT 1 AS found FROM ${dialect.rowsOf('ids', 'text')}
       WHERE value NOT IN (SELECT id FROM campaigns) AND value NOT IN (SELECT campaign_id FROM changes) LIMIT 1`,
      { ids },
    );
    return stranger !== undefined;
  }
}
