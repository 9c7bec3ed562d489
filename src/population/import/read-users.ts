/** Reads users from Parquet, CSV or NDJSON files with a schema. */
import { AppError } from '../../lib/errors.ts';
import type { BadRows, Duplicates } from './bad-rows.ts';
import { openCsvUsers } from './csv-users.ts';
import { jsonUsers } from './json-users.ts';
import type { ImportProgress } from './read-rows.ts';
import { readRows } from './read-rows.ts';
import type { RowSink } from './row-sink.ts';
import { checkFile, formatOf, isPattern, isRemote } from './source-files.ts';
import type { OpenOptions, UserFile } from './user-file.ts';

export interface ReadUsersOptions extends Omit<OpenOptions, 'scratch'> {
  readonly badRows: BadRows;
  readonly duplicates: Duplicates;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Checks files and schema before reading. Errors: AppError `invalid_argument`, `invalid_data`. */
export function checkSources(sources: readonly string[]): void {
  const format = formatOf(sources);
  for (const source of sources) if (!isPattern(source)) checkFile(source, format);
}

/**
 * Reads files of one format. Returns the number of rows that were replaced by a later row of the same user. Errors:
 * AppError `invalid_data`.
 */
export async function readUsers(sources: readonly string[], sink: RowSink, options: ReadUsersOptions): Promise<number> {
  const { features } = options.schema;
  const open = { ...options, scratch: sink.scratch };
  return await withUserFiles(sources, open, (files) => readRows(files, sink, { ...options, features }));
}

/** Expands patterns, and opens the files (all of one format) for `action`. Errors: AppError. */
export async function withUserFiles<T>(
  sources: readonly string[],
  options: OpenOptions,
  action: (files: readonly UserFile[]) => Promise<T>,
): Promise<T> {
  const format = formatOf(sources);
  if (format === 'ndjson' && sources.some(isRemote))
    throw new AppError('invalid_argument', 'NDJSON can only be read from this machine: copy the file here first');
  if (format !== 'parquet' && !sources.some((source) => isPattern(source) || isRemote(source)))
    return await action(await openTexts(sources.map((path) => ({ path, file: path }))));
  // DuckDB is 70 MB of native code, so it is loaded only when needed, and never by the service.
  const { withParquetUsers, withTextFiles } = await import('../tables/parquet-users.ts');
  if (format === 'parquet') return await withParquetUsers(sources, options, action);
  return await withTextFiles(sources, options, async (paths) => await action(await openTexts(paths)));

  async function openTexts(paths: readonly { readonly path: string; readonly file: string }[]) {
    for (const { path } of paths) checkFile(path, format);
    if (format === 'csv') return await openCsvUsers(paths, options.schema);
    return paths.map(({ path }) => jsonUsers(path, options));
  }
}
