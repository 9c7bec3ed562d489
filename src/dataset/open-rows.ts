/** Opens a table in the format that the name of its file implies. */
import { AppError } from '../lib/errors.ts';
import { type DelimitedOptions, openDelimited } from './delimited-source.ts';
import { openNdjson } from './ndjson-source.ts';
import type { RowSource } from './row-source.ts';

/** Unsupported formats. Reading such a file as text would fail with an unhelpful message. */
const NOT_READ: Readonly<Record<string, string>> = {
  parquet: 'Parquet',
  zst: 'Zstandard',
  zip: 'ZIP',
  xlsx: 'Excel',
  xls: 'Excel',
  ods: 'OpenDocument',
  pdf: 'PDF',
};

/**
 * Opens the file `path`. A file whose name ends in `.ndjson`, `.jsonl` or `.json` is read as NDJSON, and any other file
 * as text with separators. The name may have an additional extension `.gz` or `.zst`. Errors (AppError):
 * `invalid_argument` for an unsupported format, and the errors of the format's reader.
 */
export async function openRows(path: string, options: DelimitedOptions = {}): Promise<RowSource> {
  const ending = /\.([a-z0-9]+)(\.gz|\.zst)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  const format = NOT_READ[ending];
  if (format !== undefined)
    throw new AppError(
      'invalid_argument',
      `${path}: ${format} is not supported; save the table as CSV or NDJSON (plain, .gz or .zst)`,
    );
  return ['ndjson', 'jsonl', 'json'].includes(ending) ? await openNdjson(path) : await openDelimited(path, options);
}
