/** Records of NDJSON and CSV files. */

import { type AppError, messageOf } from '../lib/errors.ts';
import { CSV_FAULTS, type CsvFault, CsvReader, type CsvReading } from '../lib/text/csv-reader.ts';
import { LINE_LIMITS, lineError } from './lines.ts';

/** A parsed JSON object. Its keys are untrusted, so check them with `Object.hasOwn`. */
export type JsonRecord = {
  readonly [key: string]: unknown;
  readonly user_id?: unknown;
  readonly campaign_id?: unknown;
};

/**
 * Parses the JSON object in a line; returns null for a blank line. Errors: AppError `invalid_data` naming file:line.
 */
export function parseRecord(text: string, path: string, line: number): JsonRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (text.trim() === '') return null;
    throw lineError(path, line, `the line is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw lineError(path, line, `the line is ${describe(value)}; a JSON object is expected`);
  }
  return value as JsonRecord;
}

/**
 * Reads the records of a CSV file. Errors: AppError `invalid_data`, naming the file and the line where the record
 * begins.
 */
export function csvReaderOf(path: string, take: CsvReading['take'], delimiter = ','): CsvReader {
  return new CsvReader({
    delimiter,
    maximumRecordBytes: LINE_LIMITS.maximumLineBytes,
    take,
    refuse: (fault, line) => {
      throw csvError(path, line, fault);
    },
  });
}

/** Creates an AppError `invalid_data`, naming file:line, for a record that cannot be read. */
export function csvError(path: string, line: number, fault: CsvFault): AppError {
  const limit = LINE_LIMITS.maximumLineBytes;
  if (fault !== 'too_long') return lineError(path, line, CSV_FAULTS[fault]);
  return lineError(path, line, `the record has more than ${limit} bytes (is a quote not closed?)`, { limit });
}

/** Describes the type of a JSON value for messages. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'absent';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'an object';
  }
}

/**
 * Returns the token for a value that is text, a whole number, true or false, as in Parquet columns. Returns null for
 * any other value, and for whole numbers that JSON.parse may have rounded.
 */
export function findToken(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : null;
}

/** Like `findToken`, but for an id, which cannot be true or false. */
export function findId(value: unknown): string | null {
  return typeof value === 'boolean' ? null : findToken(value);
}

/** Describes, for messages, a value that is not a token, and says how to fix the value. */
export function describeNoToken(value: unknown): string {
  if (typeof value !== 'number') return describe(value);
  return Number.isInteger(value) ? INEXACT : 'a number that is not whole';
}

const INEXACT = 'a whole number beyond 2^53, whose last digits JSON readers lose (write it as a string)';
