/** Formats the rows of a stream as NDJSON, CSV, or spreadsheet-safe CSV (`csv_safe`). */

import { CSV_TYPE, type NDJSON_TYPE } from '../../lib/media-types.ts';
import { quoteCsv, quoteSafeCsv } from '../../lib/text/csv.ts';
import { decimalScore } from '../../lib/text/decimal-score.ts';
import type { AudienceItem } from '../page.ts';

export type TextType = typeof NDJSON_TYPE | typeof CSV_TYPE;

/** The text formats of a kind of row. */
export interface RowFormat<T> {
  /** The header line of CSV. */
  readonly columns: string;
  ndjson(row: T): string;
  csv(row: T): string;
}

/** The format of the members of an audience. */
export const MEMBER_ROWS: RowFormat<AudienceItem> = {
  columns: 'rank,user_id,score,percentile',
  ndjson: ({ rank, user_id, score, percentile }) =>
    `{"rank":${rank},"user_id":${JSON.stringify(user_id)},"score":${decimalScore(score)},"percentile":${percentile}}\n`,
  csv: ({ rank, user_id, score, percentile }) =>
    `${rank},${quoteCsv(user_id)},${decimalScore(score)},${percentile}\r\n`,
};

/** The row format for the members of an audience, with spreadsheet-safe CSV. */
export const SAFE_MEMBER_ROWS: RowFormat<AudienceItem> = {
  ...MEMBER_ROWS,
  csv: ({ rank, user_id, score, percentile }) =>
    `${rank},${quoteSafeCsv(user_id)},${decimalScore(score)},${percentile}\r\n`,
};

/** A user who is in only one of two audiences. */
export interface ChangedUser {
  readonly change: 'removed' | 'added';
  readonly userId: string;
}

/** The format of the difference between two audiences. */
export const CHANGE_ROWS: RowFormat<ChangedUser> = {
  columns: 'change,user_id',
  ndjson: ({ change, userId }) => `{"change":"${change}","user_id":${JSON.stringify(userId)}}\n`,
  csv: ({ change, userId }) => `${change},${quoteCsv(userId)}\r\n`,
};

/** The row format for the difference between two audiences, with spreadsheet-safe CSV. */
export const SAFE_CHANGE_ROWS: RowFormat<ChangedUser> = {
  ...CHANGE_ROWS,
  csv: ({ change, userId }) => `${change},${quoteSafeCsv(userId)}\r\n`,
};

/** Returns the header of CSV; empty for NDJSON. */
export function headOf<T>(type: TextType, { columns }: RowFormat<T>): string {
  return type === CSV_TYPE ? `${columns}\r\n` : '';
}

export function formatRows<T>(type: TextType, { csv, ndjson }: RowFormat<T>, rows: Iterable<T>): string {
  const format = type === CSV_TYPE ? csv : ndjson;
  let text = '';
  for (const row of rows) text += format(row);
  return text;
}

/** Returns members as a complete text, with a header line for CSV. With `isSafe`, the CSV is spreadsheet-safe. */
export function memberText(type: TextType, isSafe: boolean, members: Iterable<AudienceItem>): string {
  const rows = isSafe ? SAFE_MEMBER_ROWS : MEMBER_ROWS;
  return headOf(type, rows) + formatRows(type, rows, members);
}
