/** Parses times in a log: ISO 8601, seconds or milliseconds since 1970, and the formats that spreadsheets write. */

import { AppError } from '../../lib/errors.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import { parseMoment } from '../times.ts';
import type { DateOrder } from '../written-dates.ts';

/** Matches year, month and day, optionally followed by a time of day and an offset. */
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/;
/**
 * Matches day and month in either order, followed by the year and optionally a time of day with one or two digits for
 * the hour.
 */
const WRITTEN =
  /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T, ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?)?$/;

/**
 * Converts a number (seconds or milliseconds since 1970) or an ISO 8601 date, with or without a time of day (UTC unless
 * it has an offset), to milliseconds since 1970. If `order` is given, dates like `12/1/2010 8:26` are also converted.
 * Errors: AppError `invalid_data` naming file:line; without an order, dates such as `03/04/2020` are errors too,
 * because they are ambiguous.
 */
export function parseTime(value: Value, path: string, line: number, order: DateOrder | null = null): number {
  const text = typeof value === 'string' ? value.trim() : '';
  const moment = parseMoment(text) ?? parseZoned(text) ?? (order && parseWritten(text, order));
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
      const parts = WRITTEN.exec(text);
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

function parseZoned(text: string): number | null {
  const [, date, clock = '00:00', zone = 'Z'] = DATE.exec(text) ?? [];
  const time = date === undefined ? Number.NaN : Date.parse(`${date}T${clock}${zone === 'UTC' ? 'Z' : zone}`);
  return Number.isFinite(time) ? time : null;
}

function parseWritten(text: string, order: DateOrder): number | null {
  const parts = WRITTEN.exec(text);
  if (!parts) return null;
  const [, one, , two, year, hours = '0', minutes = '00', seconds = '00', half] = parts;
  const [day, month] = order === 'dmy' ? [one!, two!] : [two!, one!];
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (/^p/i.test(half) ? 12 : 0);
  if (half !== undefined && (Number(hours) < 1 || Number(hours) > 12)) return null;
  const pad = (part: string) => part.padStart(2, '0');
  return parseMoment(`${year}-${pad(month)}-${pad(day)}T${pad(String(hour))}:${minutes}:${seconds}Z`);
}
