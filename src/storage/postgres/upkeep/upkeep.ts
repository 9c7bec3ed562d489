/** Opens the upkeep of a database and its blobs. */

import type { Blobs } from '../../../domain/ports/blobs.ts';
import type { BlobLocator } from '../../../domain/ports/store.ts';
import type { StoreUpkeep } from '../../../domain/ports/upkeep.ts';
import { SEED_FOLDER, userSetFile } from '../../files/set-file.ts';
import { setNames } from '../../sql/set-rows.ts';
import type { Sql } from '../../sql/sql.ts';
import { removeBlob } from '../../sql/unused-blobs.ts';
import { contentsOf } from '../../sql/upkeep.ts';
import { PostgresDatabase } from '../database/database.ts';
import { openBlobs } from '../open-blobs.ts';

/** @throws AppError unavailable, storage_failed */
export async function openUpkeep(url: string, locator: BlobLocator): Promise<StoreUpkeep> {
  const { blobs, close } = await openBlobs(locator);
  const database = new PostgresDatabase(url, 1);
  return {
    blobs,
    faults: async () => [],
    // Postgres verifies the checksums of pages; rows have none
    async *damagedRows() {
      yield 0;
      return [];
    },
    isDamaged: async () => false,
    contents: () => contentsOf(database),
    orphans: () => findOrphans(database, blobs),
    remove: async (paths) => {
      for (const path of paths) await removeBlob(blobs, path);
      return null;
    },
    setAside: async () => [],
    close: async () => {
      await database.close();
      close();
    },
  };
}

/** Files of sets without a row, listed before the rows, and recorded folders that still exist. */
async function findOrphans(sql: Sql, blobs: Blobs): Promise<string[]> {
  const files = await blobs.list(SEED_FOLDER);
  const named = new Set((await setNames(sql)).map(userSetFile));
  const unnamed = files.filter((file) => !named.has(file)).map((file) => `${SEED_FOLDER}/${file}`);
  const recorded = await sql.all<{ readonly folder: string }>('SELECT folder FROM unused_blobs ORDER BY folder');
  const found: string[] = [];
  for (const { folder } of recorded) if (await blobs.has(folder)) found.push(folder);
  return [...unnamed, ...found];
}
