/**
 * What the parts of the store share: one connection to the database, the folder of its files, and the rules' options.
 */
import type { StoreOptions } from '../campaigns/ports/store.ts';
import type { Database } from './database.ts';

export interface Connection {
  readonly database: Database;
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** Where the files of user sets are. */
  readonly setFolder: string;
  readonly options: StoreOptions;
}
