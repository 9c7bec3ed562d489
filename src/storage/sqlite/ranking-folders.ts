/** Which ranking folders of the data folder (`audiences/<campaign>/<expansion>/`) are nobody's. */
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { RANKINGS, rankingFolder } from '../../domain/ranking-name.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import type { Database } from './driver.ts';

/**
 * The folders (relative to the data folder) that no audience version is of and no expansion is being written to.
 * `inUse` is asked after the folders were listed: what appears later is not among them.
 */
export function unusedFolders(
  dataDir: string,
  inUse: () => {
    /** Relative to the data folder. */
    readonly kept: ReadonlySet<string>;
    /** Ids of expansions that have not ended. */
    readonly running: ReadonlySet<string>;
  },
): string[] {
  return withStorage('list the rankings', () => {
    const campaigns = listFolder(join(dataDir, RANKINGS));
    const found = campaigns.flatMap((campaignId) =>
      listFolder(join(dataDir, RANKINGS, campaignId)).map((name) => ({ campaignId, name })),
    );
    const { kept, running } = inUse();
    // a ranking that is being written lies in a folder whose name begins with the expansion's id
    return found
      .filter(({ name }) => !running.has(name.slice(0, UUID_LENGTH)))
      .map(({ campaignId, name }) => rankingFolder(campaignId, name))
      .filter((folder) => !kept.has(folder));
  });
}

/** Removes the folders of campaigns that have no rankings. @throws AppError storage_failed */
export function removeEmptyFolders(dataDir: string): void {
  const campaigns = withStorage('list the rankings', () => listFolder(join(dataDir, RANKINGS)));
  for (const campaignId of campaigns) removeIfEmpty(join(dataDir, RANKINGS, campaignId));
}

const UUID_LENGTH = 36;

/** One that an expansion has just begun to write to stays. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // it holds rankings, or is gone
  }
}

/**
 * Whether there is a ranking of a campaign that this database never knew. A crash leaves none: a campaign is in the
 * database before its ranking is made, and stays in the list of changes. So the database is an earlier state of the one
 * that made it, though it may be of the same generation.
 */
export function hasStrangers(database: Database, dataDir: string): boolean {
  const campaigns = listFolder(join(dataDir, RANKINGS)).filter(
    (id) =>
      id.length === UUID_LENGTH && listFolder(join(dataDir, RANKINGS, id)).some((name) => name.length === UUID_LENGTH),
  );
  const isThere = database.prepare('SELECT 1 FROM campaigns WHERE id = @id');
  const missing = campaigns.filter((id) => isThere.get({ id }) === undefined);
  if (missing.length === 0) return false;
  const known = new Set(database.prepare('SELECT DISTINCT campaign_id FROM changes').pluck().all());
  return missing.some((id) => !known.has(id));
}
