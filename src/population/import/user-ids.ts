/** Reads lists of user ids from files: text with one id per line, NDJSON, CSV or Parquet. */
import { lineError, readLines } from '../../dataset/lines.ts';
import { describeNoToken, findId } from '../../dataset/records.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import type { BadRows } from './bad-rows.ts';
import type { ImportLimits } from './import-limits.ts';
import { checkFile, formatOf, isPattern, isRemote } from './source-files.ts';
import type { SourceSchema } from './source-schema.ts';

export interface ReadUserIdsOptions {
  /** Column of the ids in CSV and Parquet, and key in objects of NDJSON. */
  readonly schema: Pick<SourceSchema, 'userId' | 'delimiter'>;
  readonly limits: ImportLimits;
  readonly badRows: BadRows;
  readonly scratch: string;
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
}

type TakeId = (userId: string) => void;

/** Files with one id per line, without a header. */
const TEXT = /\.txt(\.gz|\.zst)?$/i;
const LONE_SURROGATE = /\p{Cs}/u;

/** Checks the files before reading. Errors: AppError `invalid_argument`, `invalid_data`. */
export function checkIdFile(path: string): void {
  if (!isPattern(path)) checkFile(path, formatOf([path]));
  if (isRemote(path) && (TEXT.test(path) || formatOf([path]) === 'ndjson'))
    throw new AppError('invalid_argument', `${path}: text and NDJSON can only be read from this machine`);
}

/**
 * Passes every id of the files to `take`, including repeats. Ids that do not have 1 to `maximumUserIdBytes` bytes are
 * bad rows. Errors: AppError `invalid_data`, naming file:line (for Parquet, file and row).
 */
export async function readUserIds(
  sources: readonly string[],
  options: ReadUserIdsOptions,
  take: TakeId,
): Promise<void> {
  for (const path of await expand(sources, options.scratch)) {
    const format = formatOf([path]);
    if (TEXT.test(path) || format === 'ndjson') {
      await readLinesOf(path, format === 'ndjson', options, take);
      continue;
    }
    const { readTableIds } = await import('../tables/read-ids.ts');
    await readTableIds(path, format, options, take);
  }
}

async function expand(sources: readonly string[], scratch: string): Promise<readonly string[]> {
  if (!sources.some((source) => isPattern(source) || isRemote(source))) return sources;
  const { listSources } = await import('../tables/read-tables.ts');
  const paths = await listSources(sources, scratch);
  for (const path of paths) checkIdFile(path);
  return paths;
}

async function readLinesOf(path: string, isJson: boolean, options: ReadUserIdsOptions, take: TakeId): Promise<void> {
  const { schema, limits, badRows } = options;
  for await (const { firstLine, lines } of readLines(path, limits)) {
    for (const [i, text] of lines.entries()) {
      if (text.trim() === '') continue;
      try {
        const id = isJson ? parseId(text, path, firstLine + i, schema.userId) : text;
        checkId(id, path, firstLine + i, limits.maximumUserIdBytes);
        take(id);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        badRows.add(error);
      }
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

function checkId(id: string, path: string, line: number, limit: number): void {
  if (id === '') throw lineError(path, line, `the user id is empty; it must be text of 1 to ${limit} bytes`);
  if (LONE_SURROGATE.test(id))
    throw lineError(path, line, 'the user id contains half of a surrogate pair, which is not valid text');
  if (Buffer.byteLength(id) > limit) throw lineError(path, line, `the user id is longer than ${limit} bytes`);
}
