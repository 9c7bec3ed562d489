/** What `migrateStore` needs of the store that is copied, and of the one that is filled. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import type { PostgresRows } from './postgres-rows.ts';
import type { RowReader, RowStore } from './row-store.ts';

export interface Source {
  readonly rows: RowReader;
  readonly blobs: Blobs;
  /** Names the store and its state as far as it has a name. */
  readonly id: string;
  contents(): Promise<StoreContents>;
  /** @throws AppError unavailable if a process has begun to use the store */
  requireUnused(): Promise<void>;
  close(): Promise<void>;
}

export interface Target {
  readonly rows: RowStore;
  readonly blobs: Blobs;
  /** Opens the blobs once more, without what this process remembers or has in a cache. */
  readonly arrived: Blobs;
  /** Whether an earlier attempt has begun this copy. */
  readonly isBegun: boolean;
  requireUnused(): Promise<void>;
  /** Makes the copy a store that services can use. */
  complete(): Promise<void>;
  close(): Promise<void>;
}

/** The end on Postgres, which knows the types of the columns. */
export interface WithTypes {
  readonly rows: PostgresRows;
}
