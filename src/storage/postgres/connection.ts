/** The objects shared by all parts of the store: the database, the blobs, and options. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { StoreOptions } from '../../domain/ports/store.ts';
import type { Database } from './database/database.ts';

export interface Connection {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly options: StoreOptions;
}
