/** Copies the rows and blobs of a store. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import type { Database, Sql } from '../sql/sql.ts';
import { contentsIn } from '../sql/upkeep.ts';
import { type CopiedBlobs, copyBlobs } from './copy-blobs.ts';
import { copyRows, type TableSum } from './copy-rows.ts';

interface End {
  readonly blobs: Blobs;
  /** @throws AppError if another process has begun to use the store */
  requireUnused(): Promise<void>;
}

export interface Source extends End {
  /** Identifies the store and its state. */
  readonly id: string;
  /** Runs `work` on one consistent state of the rows. */
  read<T>(work: (state: Sql) => Promise<T>): Promise<T>;
}

export interface Target extends End {
  /** A store without rows. */
  readonly database: Pick<Database, 'write'>;
  /** Opens the blobs again, without this process's memory and cache. */
  readonly arrived: Blobs;
  /** Completes the copy, so that services can use it. */
  complete(): Promise<void>;
}

export interface CopyReport {
  readonly tables: readonly TableSum[];
  readonly blobs: CopiedBlobs;
}

/**
 * Copies a consistent state of all rows in one transaction, then the blobs that these rows refer to. Calls `onProgress`
 * with descriptions of completed steps, and `onRows` with the blobs of the copied rows.
 * @throws AppError storage_failed, unavailable
 */
export async function copyStore(
  source: Source,
  target: Target,
  onProgress: (text: string) => void,
  onRows: (contents: StoreContents) => void = () => {},
): Promise<CopyReport> {
  const { tables, contents } = await source.read(async (state) => {
    let done = 0;
    const onRows = (table: string, rows: number) => {
      done += rows;
      onProgress(`copied ${done} rows: ${table}`);
    };
    const tables = await target.database.write((t) => copyRows(state, t, onRows), 'readCommitted');
    return { tables, contents: await contentsIn(state) };
  });
  onRows(contents);
  const ends = { from: source.blobs, to: target.blobs, arrived: target.arrived };
  const blobs = await copyBlobs(ends, contents, (done, all) =>
    onProgress(`copied ${done} of ${all} user sets and rankings`),
  );
  return { tables, blobs };
}
