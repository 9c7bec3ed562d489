/** Removes old rows, and files that no row refers to. */

import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup as CleanupPort } from '../../domain/ports/store.ts';
import { RANKINGS } from '../../domain/ranking-name.ts';
import type { Retention } from '../../domain/types.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import { storedFiles } from '../files/stored-files.ts';
import type { SqliteAudiences } from './audiences.ts';
import type { Connection } from './connection.ts';
import { deleteRows } from './database/damaged-rows.ts';
import { truncateLog } from './database/database.ts';
import type { Database } from './database/driver.ts';
import { isOwn, renewGeneration, setAside, takeFolder } from './database/folder-mark.ts';
import { writeToFree } from './database/reserve.ts';
import { forgetAnswers } from './idempotency.ts';
import type { Synchronous } from './promised.ts';
import { findOrphans } from './upkeep.ts';
import type { SqliteUserSets } from './user-sets.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Its dependencies. */
interface Parts {
  readonly audiences: SqliteAudiences;
  readonly userSets: SqliteUserSets;
}

export class Cleanup implements Synchronous<CleanupPort> {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  prune({ versions, days }: Retention, before = this.#connection.options.clock.now() - days * DAY_MS): void {
    const { audiences } = this.#parts;
    const { database, options } = this.#connection;
    const now = options.clock.now();
    writeToFree(database, () => {
      pruneAudiences(database, versions, before);
      pruneExpansions(database, versions, before);
      forgetAnswers(database, now);
    });
    audiences.forget();
    // if a reader blocked the truncation after an erasure, the erased ids are still in the log
    truncateLog(database);
    this.removeUnused();
    this.renewGeneration();
  }

  takeFolder(): string | null {
    const { database, dataDir, options } = this.#connection;
    if (isOwn(database, dataDir) && !hasStrangers(database, dataDir)) {
      this.renewGeneration();
      return null;
    }
    const unknown = [...this.#unusedFolders(), ...this.#parts.userSets.unnamedFiles()];
    const folder = setAside(dataDir, unknown, options.clock.now());
    removeEmptyFolders(dataDir);
    takeFolder(database, dataDir);
    return folder;
  }

  /** Begins a new generation, unless another database has marked the folder in the meantime. */
  renewGeneration(): void {
    const { database, dataDir } = this.#connection;
    if (isOwn(database, dataDir)) renewGeneration(database, dataDir);
  }

  removeUnusedFiles(): void {
    const { dataDir, discard } = this.#connection;
    discard(this.#unusedFolders());
    removeEmptyFolders(dataDir);
  }

  #unusedFolders(): string[] {
    const { dataDir, database } = this.#connection;
    return findOrphans(database, dataDir, false)
      .filter(({ kind }) => kind === 'ranking')
      .map(({ path }) => path);
  }

  /** Removes unused rankings and user sets. */
  removeUnused(): void {
    this.removeUnusedFiles();
    this.#parts.userSets.removeUnused();
  }
}

/**
 * Deletes an inactive audience version if its campaign has at least `versions` newer inactive versions, or if the
 * version was made before `before`.
 */
function pruneAudiences(database: Database, versions: number, before: number): void {
  const condition = `(campaign, version) IN (
    SELECT a.campaign, a.version FROM audiences a JOIN campaigns c ON c.number = a.campaign
    WHERE a.version IS NOT c.active_version
      AND (a.created_at < @before OR @versions <= (
        SELECT count(*) FROM audiences b
        WHERE b.campaign = a.campaign AND b.version > a.version AND b.version IS NOT c.active_version)))`;
  deleteRows(database, 'audiences', condition, { versions, before });
}

/**
 * Deletes an expansion if its campaign has more than `newest` newer expansions, or if the expansion was made before
 * `before`. Running expansions, the latest expansion, and expansions with an audience version are kept.
 */
function pruneExpansions(database: Database, newest: number, before: number): void {
  const condition = `latest = 0
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.expansion = expansions.number)
    AND NOT EXISTS (SELECT 1 FROM audiences a WHERE a.expansion = expansions.number)
    AND (created_at < @before OR @newest < (
      SELECT count(*) FROM expansions f
      WHERE f.campaign = expansions.campaign AND f.number > expansions.number))`;
  deleteRows(database, 'expansions', condition, { newest, before });
}

/** Removes the folders of campaigns that have no rankings. @throws AppError storage_failed */
function removeEmptyFolders(dataDir: string): void {
  const campaigns = withStorage('list the rankings', () => listFolder(join(dataDir, RANKINGS)));
  for (const campaignId of campaigns) removeIfEmpty(join(dataDir, RANKINGS, campaignId));
}

const UUID_LENGTH = 36;

/** Removes a campaign's folder unless an expansion has just begun to write to it. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // the folder contains rankings, or is gone
  }
}

/**
 * Whether there is a ranking of a campaign that this database never contained. A crash leaves no such ranking, because
 * a campaign is recorded before its ranking is made, and stays in the list of changes. So such a ranking was made by a
 * later state of this database, even if both states have the same generation.
 */
function hasStrangers(database: Database, dataDir: string): boolean {
  const found = storedFiles(dataDir).flatMap((file) =>
    file.kind === 'ranking' && file.isFinished ? [file.campaignId] : [],
  );
  const campaigns = [...new Set(found)].filter((id) => id.length === UUID_LENGTH);
  const isThere = database.prepare('SELECT 1 FROM campaigns WHERE id = @id');
  const missing = campaigns.filter((id) => isThere.get({ id }) === undefined);
  if (missing.length === 0) return false;
  const known = new Set(database.prepare('SELECT DISTINCT campaign_id FROM changes').pluck().all());
  return missing.some((id) => !known.has(id));
}
