/** Copies a whole store from a data folder to a cluster's database and object storage, or back. */
import type { StoreLocator } from '../../domain/ports/store.ts';
import { AppError, assert, UsageError } from '../../lib/errors.ts';
import { openClusterSource, openClusterTarget } from './cluster-ends.ts';
import { type CopiedBlobs, copyBlobs } from './copy-blobs.ts';
import { compareRows, copyRows, type TableSum } from './copy-rows.ts';
import type { Source, Target } from './ends.ts';
import { openFolderSource, openFolderTarget } from './folder-ends.ts';
import type { PostgresReader, PostgresRows } from './postgres-rows.ts';
import type { CopiedTable } from './row-store.ts';
import { TABLES } from './tables.ts';

export interface MigrationReport {
  readonly tables: readonly TableSum[];
  readonly blobs: CopiedBlobs;
  /** Whether an earlier attempt had begun the copy. */
  readonly wasBegun: boolean;
}

export interface MigrationOptions {
  /** Called with what is being done. */
  readonly onProgress?: (text: string) => void;
}

/**
 * Copies a store. The source is only read, and no process may use it. The target must be empty, or have the copy of the
 * same source that an earlier attempt has begun. Until the copy is complete, no service opens the target.
 * @throws AppError invalid_argument, unavailable, storage_failed, database_damaged; UsageError
 */
export async function migrateStore(
  from: StoreLocator,
  to: StoreLocator,
  { onProgress = () => {} }: MigrationOptions = {},
): Promise<MigrationReport> {
  const { source, target, types } = await open(from, to);
  try {
    const tables = await describeTables(types);
    let done = 0;
    await copyRows(source.rows, target.rows, tables, (table, rows) => {
      done += rows;
      onProgress(`copied ${done} rows: ${table}`);
    });
    const ends = { from: source.blobs, to: target.blobs, arrived: target.arrived };
    const blobs = await copyBlobs(ends, await source.contents(), (copied, all) =>
      onProgress(`copied ${copied} of ${all} user sets and rankings`),
    );
    const sums = await compareRows(source.rows, target.rows, tables, (table) => onProgress(`comparing ${table}`));
    await source.requireUnused();
    await target.requireUnused();
    await target.complete();
    return { tables: sums, blobs, wasBegun: target.isBegun };
  } finally {
    await target.close();
    await source.close();
  }
}

interface Opened {
  readonly source: Source;
  readonly target: Target;
  readonly types: PostgresRows;
}

async function open(from: StoreLocator, to: StoreLocator): Promise<Opened> {
  if (from.adapter === to.adapter)
    throw new UsageError('one store is a data folder, and the other the postgres:// URL of a cluster');
  const isToCluster = to.adapter === 'postgres';
  const blobs = (isToCluster ? to : from).blobs;
  assert(blobs !== undefined, 'a store on Postgres has a location of blobs');
  if (isToCluster) {
    const source = await openFolderSource(from.location);
    const target = await closing(source, () => openClusterTarget(to.location, blobs, source.id));
    return { source, target, types: target.rows };
  }
  const source = await openClusterSource(from.location, blobs);
  return { source, target: await closing(source, () => openFolderTarget(to.location, source.id)), types: source.rows };
}

async function closing<T>(source: Source, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The tables with their columns, whose types Postgres knows. */
export async function describeTables(rows: PostgresReader): Promise<readonly CopiedTable[]> {
  const columns = await rows.columns();
  return TABLES.map((table) => {
    const all = columns.get(table.name);
    if (all === undefined) throw new AppError('invalid_argument', `the database has no table ${table.name}`);
    return { ...table, columns: all.filter(({ name }) => !table.ownColumns?.includes(name)) };
  });
}
