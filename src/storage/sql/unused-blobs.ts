/**
 * Blobs that no row refers to any more: folders of rankings, checkpoints and inputs of ranges, and files of user sets.
 * They are recorded in the transaction that makes them unused, and removed after it. Without these records, a process
 * that ends in between would leave blobs behind, because object storage cannot be searched like a disk.
 */
import type { Blobs } from '../../domain/ports/blobs.ts';
import { workFolder } from '../../domain/ports/ranges.ts';
import { checkpointFolder, mergedFolder, rankingFolder } from '../../domain/ranking-name.ts';
import { inParallel } from '../../lib/limited.ts';
import { SEED_FOLDER } from '../files/set-file.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { Sql } from './sql.ts';

/**
 * How long a removed folder is remembered. Then it is removed once more, because an engine may have written to it
 * before it noticed that its expansion had ended.
 */
const REMEMBERED_MS = 3600 * 1000;
/** Number of blobs read, and removed, at a time. */
const READ_BLOBS = 500;
const REMOVED_AT_ONCE = 4;
/** Whether a row refers to the file of a user set. */
const IS_SET = `folder LIKE '${SEED_FOLDER}/%'`;

/**
 * Records the blobs that become unused when an expansion ends: its checkpoint, the inputs of its ranges, and rankings
 * that no audience version uses. Each of its claims (up to `token`) may have left such blobs. Runs in the caller's
 * transaction.
 */
export async function recordEnd(t: Sql, expansion: number, token: number, now: number): Promise<void> {
  const row = await t.get<{ readonly campaignId: string; readonly expansionId: string }>(
    `SELECT c.id AS "campaignId", e.id AS "expansionId"
     FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE e.number = @expansion`,
    { expansion },
  );
  const { campaignId, expansionId } = row!;
  const claims = Array.from({ length: token }, (_, i) => i + 1);
  const folders = claims.flatMap((claim) => [
    workFolder(expansionId, claim),
    mergedFolder(campaignId, expansionId, claim),
  ]);
  const own = [rankingFolder(campaignId, expansionId), checkpointFolder(campaignId, expansionId)];
  await record(t, [...own, ...folders], now);
}

/**
 * Records, in the caller's transaction, that folders or files of user sets may be unused. Folders of audience versions
 * are excluded.
 */
export async function record(t: Sql, paths: readonly string[], now: number): Promise<void> {
  if (paths.length === 0) return;
  await t.run(
    `INSERT INTO unused_blobs (folder, unused_since)
     SELECT value, CAST(@now AS bigint) FROM ${t.dialect.rowsOf('paths', 'text')}
     WHERE NOT EXISTS (SELECT 1 FROM audiences WHERE audiences.folder = value)
     ON CONFLICT (folder) DO NOTHING`,
    { paths, now },
  );
}

/** Removes a folder, or the file of a user set. @throws AppError storage_failed */
export async function removeBlob(blobs: Blobs, path: string): Promise<void> {
  if (isSet(path)) await blobs.deleteFile(SEED_FOLDER, path.slice(SEED_FOLDER.length + 1));
  else await blobs.delete(path);
}

function isSet(path: string): boolean {
  return path.startsWith(`${SEED_FOLDER}/`);
}

/** Moves folders of blobs aside if another store created them. Returns whether it did. */
export type SetAside = (folders: readonly string[]) => boolean;

/**
 * Removes recorded blobs. If one cannot be removed, the methods continue with the others and then reject with the first
 * error.
 */
export class UnusedBlobs {
  readonly #dependencies: StoreDependencies;
  readonly #setAside: SetAside;

  constructor(dependencies: StoreDependencies, setAside: SetAside = () => false) {
    this.#dependencies = dependencies;
    this.#setAside = setAside;
  }

  /** Removes all recorded blobs. @throws AppError storage_failed, unavailable */
  async removeAll(): Promise<void> {
    // two statements, so that each can use an index
    await this.#removeWhere('removed_at IS NULL ORDER BY unused_since');
    await this.#removeWhere('removed_at <= @before ORDER BY removed_at');
  }

  /** Removes the recorded files of user sets. @throws AppError storage_failed, unavailable */
  removeSets(): Promise<void> {
    return this.#removeWhere(`${IS_SET} AND removed_at IS NULL ORDER BY unused_since`);
  }

  /** Removes recorded blobs, and their records. @throws AppError storage_failed, unavailable */
  async remove(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    const removed: string[] = [];
    const errors: unknown[] = [];
    // sets may contain erased users, so they are always removed
    const folders = paths.filter((path) => !isSet(path));
    if (this.#setAside(folders)) removed.push(...folders);
    const rest = paths.filter((path) => !removed.includes(path));
    await inParallel(rest, REMOVED_AT_ONCE, async (path) => {
      try {
        await removeBlob(this.#dependencies.blobs, path);
        removed.push(path);
      } catch (error) {
        errors.push(error);
      }
    });
    await this.#forget(removed);
    if (errors.length > 0) throw errors[0];
  }

  async #removeWhere(which: string): Promise<void> {
    for (let read = READ_BLOBS; read === READ_BLOBS; ) {
      const rows = await this.#dependencies.database.all<{ readonly path: string }>(
        `SELECT folder AS path FROM unused_blobs WHERE ${which} LIMIT ${READ_BLOBS}`,
        { before: this.#now() - REMEMBERED_MS },
      );
      await this.remove(rows.map(({ path }) => path));
      read = rows.length;
    }
  }

  /** Removes the records of blobs, except folders that were removed for the first time. */
  async #forget(removed: readonly string[]): Promise<void> {
    const { database } = this.#dependencies;
    const isRemoved = `folder ${database.dialect.isAnyOf('removed', 'text')}`;
    const bound = { removed, now: this.#now() };
    const forget = () =>
      database.write(async (t) => {
        await t.run(`DELETE FROM unused_blobs WHERE ${isRemoved} AND (${IS_SET} OR removed_at IS NOT NULL)`, bound);
        await t.run(`UPDATE unused_blobs SET removed_at = @now WHERE ${isRemoved}`, bound);
      }, 'readCommitted');
    await database.freeing(forget);
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}
