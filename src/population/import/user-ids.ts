/** Reads lists of user ids from files: text files with one id per line, NDJSON, CSV or Parquet. */
import { lineError, readLines } from '../../dataset/lines.ts';
import { describeNoToken, findId } from '../../dataset/records.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { ILL_FORMED, TOO_LONG } from '../../lib/text/text-table.ts';
import { stringOf } from '../kinds/tokens.ts';
import { type BadRows, WORST_ROWS } from './bad-rows.ts';
import type { ImportLimits } from './import-limits.ts';
import { checkNotEmpty } from './read-user.ts';
import { withUserFiles } from './read-users.ts';
import { type RowPlace, textError } from './row-place.ts';
import { checkFile, formatOf, isPattern, isRemote } from './source-files.ts';
import type { SourceSchema } from './source-schema.ts';
import type { UserFile } from './user-file.ts';

export interface ReadUserIdsOptions {
  /** Name of the column (CSV, Parquet) or key (NDJSON objects) that contains the ids. */
  readonly schema: Pick<SourceSchema, 'userId' | 'delimiter'>;
  readonly limits: ImportLimits;
  readonly badRows: BadRows;
  readonly scratch: string;
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
}

type TakeId = (userId: string) => void;

/** Matches names of files with one id per line and no header. */
const TEXT = /\.txt(\.gz|\.zst)?$/i;

/** Checks the files before reading. Errors: AppError `invalid_argument`, `invalid_data`. */
export function checkIdFile(path: string): void {
  if (!isPattern(path)) checkFile(path, formatOf([path]));
  if (isRemote(path) && (TEXT.test(path) || formatOf([path]) === 'ndjson'))
    throw new AppError('invalid_argument', `${path}: text and NDJSON can only be read from this machine`);
}

/**
 * Passes every id in the files to `take`, including repeated ids. An id shorter than 1 byte or longer than
 * `maximumUserIdBytes` is a bad row. Errors: AppError `invalid_data`, naming file:line (for Parquet, file and row).
 */
export async function readUserIds(
  sources: readonly string[],
  options: ReadUserIdsOptions,
  take: TakeId,
): Promise<void> {
  for (const path of sources) {
    const bad: AppError[] = [];
    const maximum = Math.max(options.badRows.maximum - options.badRows.count + 1, WORST_ROWS);
    const takeRow = (read: () => string) => {
      try {
        take(read());
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        bad.push(error);
        if (bad.length === maximum) options.badRows.addAll(bad.splice(0));
      }
    };
    if (TEXT.test(path) || formatOf([path]) === 'ndjson') {
      for (const file of await expand(path, options.scratch)) await readLinesOf(file, options, takeRow);
    } else {
      const schema = { ...options.schema, features: [] };
      await withUserFiles([path], { ...options, schema }, (files) => readIdsOf(files, options, takeRow));
    }
    options.badRows.addAll(bad);
  }
}

async function expand(path: string, scratch: string): Promise<readonly string[]> {
  if (!isPattern(path)) return [path];
  const { withTextFiles } = await import('../tables/parquet-users.ts');
  return await withTextFiles([path], { scratch }, (files) => Promise.resolve(files.map(({ file }) => file)));
}

/** Reads the ids of CSV or Parquet files. */
async function readIdsOf(
  files: readonly UserFile[],
  { limits }: ReadUserIdsOptions,
  takeRow: (read: () => string) => void,
): Promise<void> {
  for (const { path, hasLines, batches } of files) {
    for await (const batch of batches()) {
      for (let row = 0; row < batch.count; row++) {
        const place = { path, line: batch.lineOf(row), hasLines };
        takeRow(() => checkedId(stringOf(batch.userId(row) ?? ''), place, limits));
      }
    }
  }
}

async function readLinesOf(
  path: string,
  { schema, limits }: ReadUserIdsOptions,
  takeRow: (read: () => string) => void,
): Promise<void> {
  const isJson = !TEXT.test(path);
  for await (const { firstLine, lines } of readLines(path, limits)) {
    for (const [i, text] of lines.entries()) {
      if (text.trim() === '') continue;
      const line = firstLine + i;
      const read = () => (isJson ? parseId(text, path, line, schema.userId) : text);
      takeRow(() => checkedId(read(), { path, line, hasLines: true }, limits));
    }
  }
}

/** The id in a line of NDJSON: text, a whole number, or an object with the key. */
function parseId(text: string, path: string, line: number, key: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw lineError(path, line, `the line is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const id = isObject && Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : value;
  const userId = findId(id);
  if (userId !== null) return userId;
  const expected = `text, a whole number, or an object whose "${key}" is text or a whole number`;
  throw lineError(path, line, `the line is ${describeNoToken(id)}; it must be ${expected}`);
}

function checkedId(id: string, place: RowPlace, { maximumUserIdBytes }: ImportLimits): string {
  const name = 'the user id';
  checkNotEmpty(id, place, name, maximumUserIdBytes);
  if (!id.isWellFormed()) throw textError(place, name, id, ILL_FORMED, maximumUserIdBytes);
  if (Buffer.byteLength(id) > maximumUserIdBytes) throw textError(place, name, id, TOO_LONG, maximumUserIdBytes);
  return id;
}
