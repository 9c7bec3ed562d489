/** Parses times in a log: ISO 8601, seconds or milliseconds since 1970, and the formats that spreadsheets write. */

import { AppError } from '../../lib/errors.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import { type DateOrder, parseMoment, SPREADSHEET_DATE } from '../times.ts';

/**
 * Converts a number (seconds or milliseconds since 1970) or an ISO 8601 date, with or without a time of day (UTC unless
 * it has an offset), to milliseconds since 1970. If `order` is given, dates like `12/1/2010 8:26` are also converted.
 * Errors: AppError `invalid_data` naming file:line; without an order, dates such as `03/04/2020` are errors too,
 * because they are ambiguous.
 */
export function parseTime(value: Value, path: string, line: number, order: DateOrder | null = null): number {
  const text = typeof value === 'string' ? value.trim() : '';
  const moment = parseMoment(text, order);
  if (moment !== null) return moment;
  const known = 'a time is seconds or milliseconds since 1970, or a date like 2026-03-04 or 2026-03-04 17:05:00';
  const written = order === null ? '' : `, or ${EXAMPLES[order]}`;
  throw lineError(path, line, `${JSON.stringify(value)} is not a time: ${known}${written}`, { value });
}

/**
 * Finds out whether the day or the month comes first in a column's dates (such as `12/1/2010`). The first date that
 * allows only one order or has dots (`1.12.2010`: day first) determines the order. Returns null if there are no such
 * dates. Errors: AppError `invalid_argument` if no date determines the order.
 */
export async function inferDateOrder(source: RowSource, column: string): Promise<DateOrder | null> {
  let first: { readonly text: string; readonly line: number } | null = null;
  for await (const rows of source.read([column])) {
    for (const { line, values } of rows) {
      const text = typeof values[0] === 'string' ? values[0].trim() : '';
      const parts = SPREADSHEET_DATE.exec(text);
      if (!parts) {
        // if the first value is not such a date, the column is assumed to contain no such dates
        if (first === null && text !== '') return null;
        continue;
      }
      if (parts[2] === '.' || Number(parts[1]) > 12) return 'dmy';
      if (Number(parts[3]) > 12) return 'mdy';
      first ??= { text, line };
    }
  }
  if (first === null) return null;
  throw new AppError(
    'invalid_argument',
    `${source.path}:${first.line}: ${JSON.stringify(first.text)} may have the day or the month first, and no other ` +
      `value of ${JSON.stringify(column)} says which; specify --date-format dmy or mdy`,
  );
}

const EXAMPLES: Readonly<Record<DateOrder, string>> = {
  dmy: '25/11/2026 8:26, with the day first',
  mdy: '11/25/2026 8:26, with the month first',
};
