/** Copies the store of a cluster, which nodes and engines may be using, to a new data folder. */
import { randomUUID } from 'node:crypto';
import type { StoreLocator } from '../../domain/ports/store.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { assert } from '../../lib/errors.ts';
import { removeQuietly } from '../../lib/files/durable-files.ts';
import type { Sql } from '../postgres/database/database.ts';
import { contentsIn, contentsOf } from '../postgres/upkeep/upkeep.ts';
import { openUsedSource, type UsedSource } from './cluster-ends.ts';
import { copyBlobs } from './copy-blobs.ts';
import { compareRows, copyRows, type TableSum } from './copy-rows.ts';
import type { Target } from './ends.ts';
import { openFolderTarget, partialOf } from './folder-ends.ts';
import { describeTables, type MigrationOptions, type MigrationReport } from './migrate-store.ts';
import { PostgresReader } from './postgres-rows.ts';
import type { RowReader } from './row-store.ts';

/** Maximum number of attempts, if blobs are removed together with their rows while they are copied. */
const ATTEMPTS = 5;

export interface UsedCopy extends MigrationReport {
  readonly attempts: number;
}

/**
 * Copies one state of all rows, and then the blobs that they refer to. If one of these was removed meanwhile, its row
 * was too, and everything is copied again. After an error, nothing is left of the copy.
 * @throws AppError invalid_argument, unavailable, storage_failed
 */
export async function copyUsedStore(
  from: StoreLocator,
  to: string,
  { onProgress = () => {} }: MigrationOptions = {},
): Promise<UsedCopy> {
  assert(from.blobs !== undefined, 'a store on Postgres has a location of blobs');
  const source = await openUsedSource(from.location, from.blobs);
  try {
    for (let attempts = 1; ; attempts++) {
      const copied = await copyOnce(source, to, onProgress);
      if (copied.kind === 'copied') return { ...copied.report, attempts };
      const isLost = copied.contents === null || !(await isMissingNow(source, copied.contents));
      if (isLost || attempts === ATTEMPTS) throw copied.error;
      onProgress('some rankings or user sets were removed meanwhile: copying again');
    }
  } finally {
    await source.close();
  }
}

type Copied =
  | { readonly kind: 'copied'; readonly report: MigrationReport }
  /** `contents` are those of the copied rows; null if their copy failed. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly contents: StoreContents | null };

async function copyOnce(
  { database, blobs }: UsedSource,
  to: string,
  onProgress: (text: string) => void,
): Promise<Copied> {
  const target = await openFolderTarget(to, `copy ${randomUUID()}`);
  let contents: StoreContents | null = null;
  try {
    const state = await database.read((sql) => copyState(sql, target, onProgress));
    contents = state.contents;
    const ends = { from: blobs, to: target.blobs, arrived: target.arrived };
    const copied = await copyBlobs(ends, contents, (done, all) =>
      onProgress(`copied ${done} of ${all} user sets and rankings`),
    );
    await target.complete();
    return { kind: 'copied', report: { tables: state.tables, blobs: copied, wasBegun: false } };
  } catch (error) {
    return { kind: 'failed', error, contents };
  } finally {
    await target.close();
    removeQuietly(partialOf(to));
  }
}

interface CopiedState {
  readonly tables: readonly TableSum[];
  readonly contents: StoreContents;
}

async function copyState(sql: Sql, target: Target, onProgress: (text: string) => void): Promise<CopiedState> {
  // the copy's rows are written and read between statements
  await sql.run('SET LOCAL idle_in_transaction_session_timeout = 0');
  const all = new PostgresReader(sql);
  const tables = await describeTables(all);
  // highest numbers are not part of the state: others go on counting
  const sequences = await all.sequences();
  const rows: RowReader = { read: (...page) => all.read(...page), sequences: async () => sequences };
  let done = 0;
  await copyRows(rows, target.rows, tables, (table, count) => {
    done += count;
    onProgress(`copied ${done} rows: ${table}`);
  });
  const sums = await compareRows(rows, target.rows, tables, (table) => onProgress(`comparing ${table}`));
  return { tables: sums, contents: await contentsIn(sql) };
}

/** Whether the store no longer refers to a blob. */
async function isMissingNow({ database }: UsedSource, { sets, rankings }: StoreContents): Promise<boolean> {
  const now = await contentsOf(database);
  return [...sets].some((name) => !now.sets.has(name)) || [...rankings].some((name) => !now.rankings.has(name));
}
