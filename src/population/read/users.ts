/** Reads users: one NDJSON record into a user number and a row of codes, or a refusal that names file:line. */

import { parseDate } from '../../dataset/dates.ts';
import type { Feature } from '../../dataset/features.ts';
import { lineError } from '../../dataset/lines.ts';
import { describe, describeNoToken, findId, findToken, type JsonRecord } from '../../dataset/records.ts';
import { type AppError, unreachable } from '../../lib/errors.ts';
import { FULL, ILL_FORMED, type TextTable } from '../../lib/text/text-table.ts';
import type { ColumnBuilder, SegmentBuilder } from '../import/segment-builder.ts';

export interface UserLimits {
  /** Longest user id, in bytes of UTF-8. */
  readonly maximumUserIdBytes: number;
  /** Longest token, in bytes of UTF-8. */
  readonly maximumTokenBytes: number;
  readonly maximumTokensPerList: number;
  /** Most users that a directory ever gives numbers to. */
  readonly maximumUsers: number;
  /** Most tokens of one feature's dictionary. */
  readonly maximumTokensPerDictionary: number;
}

const EXAMPLE_CHARACTERS = 80;

/** What users are read into: the tables grow, the builder gets one row a user. */
export interface UserSink {
  readonly directory: TextTable;
  /** By feature, in the schema's order; features without tokens leave theirs empty. */
  readonly dictionaries: readonly TextTable[];
  readonly segment: SegmentBuilder;
  /** Users to leave out. */
  readonly erased?: { has(userId: string): boolean };
}

/** The number of a user who was erased. */
export const ERASED = -5;

/**
 * Reads the user of one record into `sink` as an open row and returns the user number; the caller ends the row. A key
 * that is no feature is ignored. An id may be a whole number, a token also true or false: they are read as text. A
 * missing value is null, '' (single) or [] (multi): no code for a list, code 0 for a single one, NaN for numbers; '' in
 * a list is left out. Nothing is read of an erased user, and ERASED returned. Errors: AppError `invalid_data` naming
 * file:line; `sink` is then to be thrown away.
 */
export function readUser(
  record: JsonRecord,
  path: string,
  line: number,
  features: readonly Feature[],
  sink: UserSink,
  limits: UserLimits,
): number {
  const userNumber = readUserId(record, path, line, sink, limits);
  if (userNumber === ERASED) return userNumber;
  for (let i = 0; i < features.length; i++) {
    const { name, kind, size } = features[i]!;
    if (!Object.hasOwn(record, name)) {
      throw lineError(path, line, `the feature "${name}" is absent: write null for an unknown value`);
    }
    const value = record[name];
    const column = sink.segment.columns[i]!;
    const place: Place = { path, line, name };
    switch (kind) {
      case 'single':
        readSingle(value, place, column, sink.dictionaries[i]!, limits);
        break;
      case 'multi':
        readList(value, place, column, sink.dictionaries[i]!, limits);
        break;
      case 'number':
        column.push(readNumber(value, place));
        break;
      case 'vector':
        readVector(value, place, column, size!);
        break;
      default:
        unreachable(kind);
    }
  }
  return userNumber;
}

/** Where a value stands. */
interface Place {
  readonly path: string;
  readonly line: number;
  readonly name: string;
}

function readUserId(record: JsonRecord, path: string, line: number, sink: UserSink, limits: UserLimits): number {
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

/** The id of a user as text; null where there is none, or a value that cannot be one. */
export function userIdOf(record: JsonRecord): string | null {
  return Object.hasOwn(record, 'user_id') ? findId(record.user_id) : null;
}

function readSingle(
  value: unknown,
  place: Place,
  column: ColumnBuilder,
  dictionary: TextTable,
  limits: UserLimits,
): void {
  const token = value === null ? '' : findToken(value);
  if (token === null) throw tokenError(place, value);
  column.push(token === '' ? 0 : codeOf(token, place, dictionary, limits));
}

function readList(
  value: unknown,
  place: Place,
  column: ColumnBuilder,
  dictionary: TextTable,
  limits: UserLimits,
): void {
  if (value === null) return;
  if (!Array.isArray(value)) throw kindError(place, value, 'a list of texts or null (it is of kind multi)');
  const limit = limits.maximumTokensPerList;
  if (value.length > limit) {
    const message = `the feature "${place.name}" has ${value.length} tokens, more than ${limit}`;
    throw lineError(place.path, place.line, message, { value: value.length, limit });
  }
  for (const part of value as unknown[]) {
    const token = findToken(part);
    if (token === null) {
      const { path, line, name } = place;
      const what = `the feature "${name}" has a token that is ${describeNoToken(part)}`;
      throw lineError(path, line, `${what}; it must be text, a whole number, true or false`);
    }
    if (token !== '') column.push(codeOf(token, place, dictionary, limits));
  }
}

/** NaN where it is missing; a date is a number of days. */
function readNumber(value: unknown, place: Place): number {
  if (value === null) return Number.NaN;
  const number = typeof value === 'string' ? parseDate(value) : value;
  if (typeof number === 'number' && Number.isFinite(Math.fround(number))) return number;
  throw kindError(place, value, 'a number that float32 can hold, a date (2026-11-25, 2026-11-25T08:00:00Z) or null');
}

function readVector(value: unknown, place: Place, column: ColumnBuilder, size: number): void {
  if (value === null) {
    for (let i = 0; i < size; i++) column.push(Number.NaN);
    return;
  }
  if (!Array.isArray(value)) throw kindError(place, value, `a list of ${size} numbers or null (it is of kind vector)`);
  if (value.length !== size) {
    const message = `the vector "${place.name}" has ${value.length} numbers, not ${size}`;
    throw lineError(place.path, place.line, message, { value: value.length, limit: size });
  }
  for (const number of value) {
    if (typeof number !== 'number' || !Number.isFinite(Math.fround(number)))
      throw kindError(place, number, 'a list of numbers that float32 can hold');
    column.push(number);
  }
}

function codeOf(token: string, place: Place, dictionary: TextTable, limits: UserLimits): number {
  const index = dictionary.add(token, limits.maximumTokenBytes);
  if (index >= 0 && index < limits.maximumTokensPerDictionary) return index + 1;
  const { path, line, name } = place;
  if (index >= 0 || index === FULL) {
    const limit = limits.maximumTokensPerDictionary;
    throw lineError(path, line, `the dictionary of the feature "${name}" is full: too many different tokens`, {
      limit,
    });
  }
  throw textError(path, line, `a token of the feature "${name}"`, token, index, limits.maximumTokenBytes);
}

/** Of a single value that is no token. */
function tokenError({ path, line, name }: Place, value: unknown): AppError {
  const expected = 'text, a whole number, true, false or null (it is of kind single)';
  return lineError(path, line, `the feature "${name}" is ${describeNoToken(value)}; it must be ${expected}`);
}

function kindError({ path, line, name }: Place, value: unknown, expected: string): AppError {
  return lineError(path, line, `the feature "${name}" is ${describe(value)}; it must be ${expected}`);
}

function textError(path: string, line: number, what: string, text: string, fault: number, limit: number): AppError {
  const value = text.slice(0, EXAMPLE_CHARACTERS);
  if (fault === ILL_FORMED)
    return lineError(path, line, `${what} holds half of a surrogate pair, which is not text`, { value });
  return lineError(path, line, `${what} is longer than ${limit} bytes`, { value, limit });
}
