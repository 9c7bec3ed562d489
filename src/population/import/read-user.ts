/**
 * Reads users: converts an NDJSON record to a user number and a row of codes, or throws an error that names file:line.
 */
import type { Feature } from '../../dataset/features.ts';
import { lineError } from '../../dataset/lines.ts';
import { describeNoToken, findId, type JsonRecord } from '../../dataset/records.ts';
import { FULL, type TextTable } from '../../lib/text/text-table.ts';
import { type ColumnPlan, quoteName, type TableShape, typeGroup, typeOf, unusable } from '../kinds/column-plan.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import type { ImportLimits } from './import-limits.ts';
import type { SegmentBuilder } from './segment-builder.ts';
import type { SourceSchema } from './source-schema.ts';
import { textError } from './text-error.ts';

/** Destination of the users that are read: tables for new texts, and a builder for one row per user. */
export interface UserSink {
  readonly directory: TextTable;
  /** Dictionaries by feature, in the schema's order; the dictionary of a feature without tokens stays empty. */
  readonly dictionaries: readonly TextTable[];
  readonly segment: SegmentBuilder;
  /** Erased users, who are left out. */
  readonly erased?: { has(userId: string): boolean };
}

/** Result of `readUser` for an erased user. */
export const ERASED = -5;

/**
 * Reads the user of a record into `sink` as an open row, which the caller ends, and returns the user number. Keys that
 * are not features are ignored. Ids may also be whole numbers, and tokens may be whole numbers, true or false; both are
 * converted to text. Missing values (null, '' or []) become code 0 (single), no codes (multi) or NaN (numbers). Empty
 * texts in lists are left out. The values of an erased user are not read, and the result is ERASED. Errors: AppError
 * `invalid_data` naming file:line; after an error, discard `sink`.
 */
export function readUser(
  record: JsonRecord,
  path: string,
  line: number,
  features: readonly Feature[],
  sink: UserSink,
  limits: ImportLimits,
): number {
  const userNumber = readUserId(record, path, line, sink, limits);
  if (userNumber === ERASED) return userNumber;
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    const { name, kind } = feature;
    if (!Object.hasOwn(record, name)) {
      throw lineError(path, line, `the feature "${name}" is absent: write null for an unknown value`);
    }
    const [column, dictionary] = [sink.segment.columns[i]!, sink.dictionaries[i]!];
    KIND_IMPORTS[kind].parse(record[name], { path, line, feature, column, dictionary, limits });
  }
  return userNumber;
}

/**
 * Plans the column of user ids in SQL with the rules of `readUser`. Errors: AppError `invalid_data` naming the column.
 */
export function planUserId(
  { userId: column }: Pick<SourceSchema, 'userId'>,
  shape: TableShape,
  limits: ImportLimits,
): ColumnPlan {
  const group = typeGroup(typeOf(shape, column, 'user_id'));
  if (group !== 'text' && group !== 'integer') throw unusable(shape, column, 'user ids must be text or whole numbers');
  const limit = limits.maximumUserIdBytes;
  const empty = `the user id is empty; it must be text of 1 to ${limit} bytes`;
  return {
    columns: [column],
    raw: quoteName(column),
    value: '{raw}::VARCHAR',
    faults: [
      { when: "{value} IS NULL OR {value} = ''", message: empty },
      { when: `strlen({value}) > ${limit}`, message: `the user id is longer than ${limit} bytes` },
    ],
  };
}

function readUserId(record: JsonRecord, path: string, line: number, sink: UserSink, limits: ImportLimits): number {
  const limit = limits.maximumUserIdBytes;
  const id = userIdOf(record);
  if (id === null) {
    const what = describeNoToken(Object.hasOwn(record, 'user_id') ? record.user_id : undefined);
    throw lineError(path, line, `"user_id" is ${what}; it must be text of 1 to ${limit} bytes, or a whole number`);
  }
  if (id === '') throw lineError(path, line, `"user_id" is empty; it must be text of 1 to ${limit} bytes`);
  if (sink.erased?.has(id)) return ERASED;
  const userNumber = sink.directory.add(id, limit);
  if (userNumber >= 0 && userNumber < limits.maximumUsers) return userNumber;
  if (userNumber >= 0 || userNumber === FULL) {
    throw lineError(path, line, 'the directory is full: too many users', { limit: limits.maximumUsers });
  }
  throw textError(path, line, '"user_id"', id, userNumber, limit);
}

/** The id of a user as text; null if the value is absent or not an id. */
export function userIdOf(record: JsonRecord): string | null {
  return Object.hasOwn(record, 'user_id') ? findId(record.user_id) : null;
}
