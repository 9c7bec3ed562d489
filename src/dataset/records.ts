/** Parses one line of a data set: an NDJSON record, or the fields of a CSV row. */
import { type CsvFault, splitCsvRecord } from '../lib/csv.ts';
import { messageOf } from '../lib/errors.ts';
import { lineError } from './lines.ts';

/** A JSON object as it was written. Read it with `Object.hasOwn`: its keys are untrusted. */
export type JsonRecord = {
  readonly [key: string]: unknown;
  readonly user_id?: unknown;
  readonly campaign_id?: unknown;
};

/** The JSON object of a line; null for a blank line. Errors: AppError `invalid_data` naming file:line. */
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
 * The fields of a CSV row (RFC 4180: quoted fields, "" for a quote; no line end within a field). White space is part of
 * a field. Errors: AppError `invalid_data` naming file:line.
 */
export function parseCsvRow(text: string, path: string, line: number, separator = ','): string[] {
  const fields = splitCsvRecord(text, separator);
  if (typeof fields === 'string') throw lineError(path, line, FAULTS[fields]);
  return fields;
}

const FAULTS: Readonly<Record<CsvFault, string>> = {
  not_closed: 'a quoted field has no closing quote on its line',
  text_after_quote: 'a quoted field is followed by text before the separator',
  quote_in_field: 'an unquoted field contains a quote',
};

/** What a JSON value is, in words: for messages. */
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
