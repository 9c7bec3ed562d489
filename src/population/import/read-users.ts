/** Reads users from Parquet, CSV or NDJSON files with a schema. */
import { AppError } from '../../lib/errors.ts';
import type { BadRows, Duplicates } from './bad-rows.ts';
import type { ImportLimits } from './import-limits.ts';
import type { ImportProgress } from './import-progress.ts';
import { readRecords } from './record-reader.ts';
import type { RowSink } from './row-sink.ts';
import { checkFile, formatOf, isPattern, isRemote } from './source-files.ts';
import { toUserRecord } from './source-records.ts';
import { populationFeatures, type SourceSchema } from './source-schema.ts';

export interface ReadUsersOptions {
  readonly schema: SourceSchema;
  readonly limits: ImportLimits;
  readonly badRows: BadRows;
  readonly duplicates: Duplicates;
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Checks files and schema before reading. Errors: AppError `invalid_argument`, `invalid_data`. */
export function checkSources(sources: readonly string[]): void {
  const format = formatOf(sources);
  for (const source of sources) if (!isPattern(source)) checkFile(source, format);
}

/**
 * Reads files of one format; returns the number of rows that a later row of the same user replaced. Errors: AppError
 * `invalid_data`.
 */
export async function readUsers(sources: readonly string[], sink: RowSink, options: ReadUsersOptions): Promise<number> {
  const { schema, limits, badRows, duplicates, onProgress } = options;
  if (formatOf(sources) === 'ndjson') {
    return await readRecords(await listRecordFiles(sources, sink.scratch), sink, {
      features: populationFeatures(schema),
      limits,
      badRows,
      duplicates,
      toUser: (record, path, line) => toUserRecord(record, path, line, schema),
      onProgress: (rows) => onProgress?.({ phase: 'writing', rows }),
    });
  }
  // Loads DuckDB, which is 70 MB of native code, only when needed. The service never loads it.
  const { readTables } = await import('../tables/read-tables.ts');
  return await readTables(sources, sink, options);
}

/** Expands patterns and returns the NDJSON files of `sources`. Errors: AppError. */
async function listRecordFiles(sources: readonly string[], scratch: string): Promise<readonly string[]> {
  if (sources.some(isRemote))
    throw new AppError('invalid_argument', 'NDJSON can only be read from this machine: copy the file here first');
  if (!sources.some(isPattern)) return sources;
  const { listSources } = await import('../tables/read-tables.ts');
  const paths = await listSources(sources, scratch);
  for (const path of paths) checkFile(path, 'ndjson');
  return paths;
}
