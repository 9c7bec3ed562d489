/** Which ranking folders of the data folder (`audiences/<campaign>/<expansion>/`) are nobody's. */
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { RANKINGS, rankingFolder } from '../campaigns/ranking-name.ts';
import { listFolder, withStorage } from '../lib/durable-files.ts';

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
