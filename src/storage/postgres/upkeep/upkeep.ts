/** Lists the blobs that the rows of a database refer to, and those that no row refers to. */
import type { Blobs } from '../../../domain/ports/blobs.ts';
import type { BlobLocator } from '../../../domain/ports/store.ts';
import type { DamagedRow, StoreContents, StoreUpkeep } from '../../../domain/ports/upkeep.ts';
import { SEED_FOLDER, userSetFile } from '../../files/set-file.ts';
import { Database, type Sql } from '../database/database.ts';
import { openBlobs } from '../open-blobs.ts';
import { setNames } from '../users/set-rows.ts';

/** @throws AppError unavailable, storage_failed */
export async function openUpkeep(url: string, locator: BlobLocator): Promise<StoreUpkeep> {
  const { blobs, close } = await openBlobs(locator);
  const database = new Database(url, 1);
  return {
    blobs,
    faults: async () => [],
    // Postgres verifies the checksums of pages; rows have none
    damagedRows: noRows,
    isDamaged: async () => false,
    contents: () => contentsOf(database),
    orphans: () => findOrphans(database, blobs),
    remove: async (paths) => {
      for (const path of paths) await remove(blobs, path);
      return null;
    },
    setAside: async () => [],
    close: async () => {
      await database.close();
      close();
    },
  };
}

/** The blobs that the rows of a database refer to, read from one consistent state. */
export function contentsOf(database: Database): Promise<StoreContents> {
  return database.read(contentsIn);
}

/** The blobs that the rows of one state of a database refer to. */
export async function contentsIn(state: Sql): Promise<StoreContents> {
  const rankings = await state.all<{ readonly folder: string }>('SELECT DISTINCT folder FROM audiences');
  const running = await state.all<{ readonly id: string }>(
    'SELECT e.id FROM expansions e JOIN jobs j ON j.expansion = e.number',
  );
  return {
    sets: new Set(await setNames(state)),
    rankings: new Set(rankings.map(({ folder }) => folder)),
    running: new Set(running.map(({ id }) => id)),
  };
}

/** Files of sets without a row, listed before the rows, and recorded folders that still exist. */
async function findOrphans(database: Database, blobs: Blobs): Promise<string[]> {
  const files = await blobs.list(SEED_FOLDER);
  const named = new Set((await setNames(database)).map(userSetFile));
  const folders = await database.all<{ readonly folder: string }>('SELECT folder FROM unused_blobs ORDER BY folder');
  const found: string[] = [];
  for (const { folder } of folders) if (await blobs.has(folder)) found.push(folder);
  return [...files.filter((file) => !named.has(file)).map((file) => `${SEED_FOLDER}/${file}`), ...found];
}

async function remove(blobs: Blobs, path: string): Promise<void> {
  if (path.startsWith(`${SEED_FOLDER}/`)) await blobs.deleteFile(SEED_FOLDER, path.slice(SEED_FOLDER.length + 1));
  else await blobs.delete(path);
}

async function* noRows(): AsyncGenerator<number, readonly DamagedRow[], void> {
  yield 0;
  return [];
}
