/** Lists the files and folders next to a database: user sets and rankings, and which of them no row refers to. */
import { join } from 'node:path';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { RANKINGS, rankingFolder } from '../../domain/ranking-name.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import { SEED_FOLDER, setOfFile } from '../files/set-file.ts';

const UUID_LENGTH = 36;

/** A file in the folder of user sets, or the folder of a ranking; `path` is relative to the data folder. */
export type StoredFile =
  /** `set` is null if the name is not that of a set. A file whose name ends with `.tmp` is unfinished. */
  | { readonly kind: 'set'; readonly path: string; readonly set: string | null }
  /** `isFinished` is false if the ranking is still being written, or was replaced. */
  | {
      readonly kind: 'ranking';
      readonly path: string;
      readonly campaignId: string;
      readonly expansionId: string;
      readonly isFinished: boolean;
    };

/** Lists the contents of a data folder or a backup, including files that no row refers to. */
export function storedFiles(dataDir: string): StoredFile[] {
  const sets = listFolder(join(dataDir, SEED_FOLDER)).map((file) => ({
    kind: 'set' as const,
    path: `${SEED_FOLDER}/${file}`,
    set: setOfFile(file),
  }));
  const rankings = listFolder(join(dataDir, RANKINGS)).flatMap((campaignId) =>
    listFolder(join(dataDir, RANKINGS, campaignId)).map((name) => ({
      kind: 'ranking' as const,
      path: rankingFolder(campaignId, name),
      campaignId,
      expansionId: name.slice(0, UUID_LENGTH),
      // other folders of an expansion have longer names
      isFinished: name.length === UUID_LENGTH,
    })),
  );
  return [...sets, ...rankings];
}

/**
 * Lists files that no row refers to, except files that a running expansion may be writing. If no other process is
 * writing (`isAlone`), includes all unfinished files. Files are listed before rows, so files created later are not
 * included.
 * @throws AppError storage_failed
 */
export async function findOrphans(
  dataDir: string,
  readContents: () => Promise<StoreContents>,
  isAlone: boolean,
): Promise<StoredFile[]> {
  const files = withStorage(`list ${dataDir}`, () => storedFiles(dataDir));
  const contents = await readContents();
  return files.filter((file) => isOrphan(file, contents, isAlone));
}

export function isOrphan(file: StoredFile, { sets, rankings, running }: StoreContents, isAlone: boolean): boolean {
  if (file.kind === 'set') return file.set === null ? isAlone : !sets.has(file.set);
  return !rankings.has(file.path) && !running.has(file.expansionId);
}
