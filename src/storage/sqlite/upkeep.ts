/** Opens the upkeep of a data folder, over a read-only connection. */
import { resolve } from 'node:path';
import type { StoreUpkeep } from '../../domain/ports/upkeep.ts';
import { FileBlobs } from '../files/blobs.ts';
import { contentsIn } from '../sql/upkeep.ts';
import { readState } from './database/connection-sql.ts';
import { databaseOf } from './database/data-folder.ts';
import { openForReading } from './database/database.ts';
import { discardFiles, listSetAside } from './database/folder-mark.ts';
import { databaseFaults, findDamagedRows, isDamaged } from './database/row-sums.ts';
import { findOrphans } from './orphans.ts';

/** @throws AppError invalid_argument if there is no data folder of this version; storage_failed */
export async function openUpkeep(dataDir: string): Promise<StoreUpkeep> {
  const folder = resolve(dataDir);
  const database = openForReading(databaseOf(folder));
  const contents = () => readState(database.name, contentsIn);
  return {
    blobs: new FileBlobs(folder),
    faults: async () => databaseFaults(database),
    async *damagedRows() {
      return yield* findDamagedRows(database);
    },
    isDamaged: async (row) => isDamaged(database, row),
    contents,
    orphans: async (isAlone) => (await findOrphans(folder, contents, isAlone)).map(({ path }) => path),
    remove: async (paths, now) => discardFiles(database, folder, paths, now),
    setAside: async () => listSetAside(folder),
    close: async () => void database.close(),
  };
}
