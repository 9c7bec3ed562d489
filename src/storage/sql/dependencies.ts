/** The objects that all repositories share. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { StoreOptions } from '../../domain/ports/store.ts';
import type { Database } from './sql.ts';

export interface StoreDependencies {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly options: StoreOptions;
}
