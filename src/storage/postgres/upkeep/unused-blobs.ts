/**
 * Blobs that no row refers to any more: folders of rankings, checkpoints and inputs of ranges, and files of user sets.
 * They are recorded in the transaction that makes them unused, and removed after it: object storage cannot be searched
 * for them as a disk can, and a process may end between the two.
 */
import type { Blobs } from '../../../domain/ports/blobs.ts';
import { workFolder } from '../../../domain/ports/ranges.ts';
import { checkpointFolder, mergedFolder, rankingFolder } from '../../../domain/ranking-name.ts';
import { SEED_FOLDER } from '../../files/set-file.ts';
import type { Database, Sql } from '../database/database.ts';

/**
 * How long a folder is remembered after it was removed. It is removed once more after this time, because an engine may
 * have written into it that had not learned yet that its expansion has ended.
 */
const REMEMBERED_MS = 3600 * 1000;
/** Number of folders read at once. */
const READ_FOLDERS = 100;
/** Whether a row is about the file of a user set, which `SetFiles` removes. */
const IS_SET = `starts_with(folder, '${SEED_FOLDER}/')`;

/**
 * Records that the blobs of an expansion are unused when it ends: its checkpoint, the inputs of its ranges, and its
 * rankings that no audience version has. Each of its claims (up to `token`) may have left some. Runs inside the
 * caller's transaction.
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

/** Records that folders may be unused, inside the caller's transaction. Folders of audience versions are left out. */
export async function record(t: Sql, folders: readonly string[], now: number): Promise<void> {
  await t.run(
    `INSERT INTO unused_blobs (folder, unused_since)
     SELECT folder, @now FROM unnest(@folders::text[]) folder
     WHERE NOT EXISTS (SELECT 1 FROM audiences a WHERE a.folder = folder.folder)
     ON CONFLICT (folder) DO NOTHING`,
    { folders, now },
  );
}

/** Removes the recorded folders. @throws AppError storage_failed, unavailable */
export async function removeUnused(database: Database, blobs: Blobs, now: number): Promise<void> {
  const remove = async (which: string, settle: string) => {
    for (let read = READ_FOLDERS; read === READ_FOLDERS; ) {
      const rows = await database.all<{ readonly folder: string }>(
        `SELECT folder FROM unused_blobs WHERE NOT ${IS_SET} AND ${which} LIMIT ${READ_FOLDERS}`,
        { before: now - REMEMBERED_MS },
      );
      const removed: string[] = [];
      try {
        for (const { folder } of rows) {
          await blobs.delete(folder);
          removed.push(folder);
        }
      } finally {
        await database.run(`${settle} WHERE folder = ANY(@removed::text[])`, { now, removed });
      }
      read = rows.length;
    }
  };
  // two statements, because each has an index
  await remove('removed_at IS NULL ORDER BY unused_since', 'UPDATE unused_blobs SET removed_at = @now');
  await remove('removed_at <= @before ORDER BY removed_at', 'DELETE FROM unused_blobs');
}

/** Records that the file of a user set is unused, inside the transaction that deletes the row of the set. */
export async function recordSetFile(t: Sql, file: string, now: number): Promise<void> {
  const folder = `${SEED_FOLDER}/${file}`;
  await t.run(
    'INSERT INTO unused_blobs (folder, unused_since) VALUES (@folder, @now) ON CONFLICT (folder) DO NOTHING',
    {
      ...{ folder, now },
    },
  );
}

/** The recorded files of user sets. */
export async function readSetFiles(sql: Sql): Promise<string[]> {
  const rows = await sql.all<{ readonly folder: string }>(
    `SELECT folder FROM unused_blobs WHERE ${IS_SET} ORDER BY folder`,
  );
  return rows.map(({ folder }) => folder.slice(SEED_FOLDER.length + 1));
}

/** Removes the record of a file, which has been removed. */
export async function forgetSetFile(sql: Sql, file: string): Promise<void> {
  await sql.run('DELETE FROM unused_blobs WHERE folder = @folder', { folder: `${SEED_FOLDER}/${file}` });
}
