/** Checks the files of an import, and detects their format. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { AppError, messageOf } from '../../lib/errors.ts';
import { FOREIGN_FILES, findForeignFile, HEAD_BYTES } from '../../lib/files/foreign-files.ts';

export type FileFormat = 'ndjson' | 'csv' | 'parquet';

const FORMATS: readonly (readonly [FileFormat, RegExp])[] = [
  ['ndjson', /\.(ndjson|jsonl)(\.gz|\.zst)?$/i],
  ['csv', /\.(csv|tsv|txt)(\.gz|\.zst)?$/i],
  ['parquet', /\.(parquet|parq|pq)$/i],
];

export function isRemote(path: string): boolean {
  return /^[a-z][a-z0-9+]*:\/\//i.test(path);
}

export function isPattern(path: string): boolean {
  return /[*?[]/.test(path) && !existsSync(path);
}

/** The format that all files have in common, according to their names. Errors: AppError `invalid_argument`. */
export function formatOf(paths: readonly string[]): FileFormat {
  const formats = new Set(paths.map(formatOfOne));
  const [format] = formats;
  if (format === undefined || formats.size > 1)
    throw new AppError(
      'invalid_argument',
      `the files have different formats (${[...formats].join(', ')}): use only one format`,
    );
  return format;
}

/** Throws AppError `invalid_data` if the file does not exist, is in UTF-16, or is not text (such as a spreadsheet). */
export function checkFile(path: string, format: FileFormat): void {
  if (isRemote(path)) return;
  if (!existsSync(path)) throw new AppError('invalid_data', `${path}: not found`);
  if (statSync(path).isDirectory())
    throw new AppError('invalid_data', `${path} is a folder: name its files, as in '${path}/*.parquet'`);
  if (format === 'parquet' || /\.(gz|zst)$/i.test(path)) return;
  const start = readStart(path);
  const isWide = start.length === 2 && start.includes(0);
  const foreign = isWide ? 'utf_16' : findForeignFile(start);
  if (foreign === 'utf_16') {
    const remedy = `iconv -f UTF-16 -t UTF-8 '${path}' > users.utf8.${format}`;
    throw new AppError('invalid_data', `${path} is in UTF-16; only UTF-8 is supported. Convert it: ${remedy}`);
  }
  if (foreign === null) return;
  const named = foreign === 'gzip' ? '.gz' : foreign === 'parquet' ? '.parquet' : null;
  const remedy = named === null ? '' : `; its name must end in ${named}`;
  throw new AppError('invalid_data', `${path} ${FOREIGN_FILES[foreign]}${remedy}`);
}

function formatOfOne(path: string): FileFormat {
  const name = isRemote(path) ? path.replace(/[?#].*$/, '') : path;
  const found = FORMATS.find(([, pattern]) => pattern.test(name));
  if (found) return found[0];
  const known = '.parquet, .csv, .tsv, .txt, .ndjson or .jsonl (.gz or .zst may follow, except for .parquet)';
  throw new AppError('invalid_argument', `${path}: the name does not show the format; it must end in ${known}`);
}

function readStart(path: string): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(HEAD_BYTES);
      return bytes.subarray(0, readSync(file, bytes, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new AppError('invalid_data', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
