/** Reads users from files as people have them, Parquet, CSV or NDJSON, as a schema says. */
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
  /** What DuckDB may hold in memory. */
  readonly memoryMib?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Refuses (AppError `invalid_argument`, `invalid_data`) what can be refused before anything is read. */
export function checkSources(sources: readonly string[]): void {
  const format = formatOf(sources);
  for (const source of sources) if (!isPattern(source)) checkFile(source, format);
}

/** Reads files of one form: how many rows a later one of the user replaced. Errors: AppError `invalid_data`. */
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
  // DuckDB is 70 MB of native code: loaded where it is needed, and by nobody who serves.
  const { readTables } = await import('../tables/read-tables.ts');
  return await readTables(sources, sink, options);
}

/** The NDJSON files of `sources`, patterns expanded. Errors: AppError. */
async function listRecordFiles(sources: readonly string[], scratch: string): Promise<readonly string[]> {
  if (sources.some(isRemote))
    throw new AppError('invalid_argument', 'NDJSON is read from this machine only: copy the file here first');
  if (!sources.some(isPattern)) return sources;
  const { listSources } = await import('../tables/read-tables.ts');
  const paths = await listSources(sources, scratch);
  for (const path of paths) checkFile(path, 'ndjson');
  return paths;
}
