/** The objects shared by all parts of the store: a database connection, the files of the data folder, and options. */
import type { StoreOptions } from '../../domain/ports/store.ts';
import type { FileBlobs } from '../files/blobs.ts';
import type { Database } from './database/database.ts';
import type { DatabaseFiles } from './database/database-files.ts';
import type { Reserve } from './database/reserve.ts';

export interface Connection {
  readonly database: Database;
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly files: DatabaseFiles;
  readonly reserve: Reserve;
  readonly blobs: FileBlobs;
  readonly options: StoreOptions;
  /**
   * Removes files and folders (relative to the data folder) that no row refers to. If another database made the
   * contents of the folder, the files are set aside instead, and their new folder is returned, relative to the data
   * folder.
   * @throws AppError storage_failed
   */
  readonly discard: (paths: readonly string[]) => string | null;
}
