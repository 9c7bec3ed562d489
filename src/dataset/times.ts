/** Parses dates and times that people send: in data sets, logs, populations, the API and options. */

const NUMBER = /^-?\d+(?:\.\d+)?$/;
/** Matches an ISO 8601 date, optionally followed by a time of day and an offset. */
const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/;
/**
 * Matches a spreadsheet's date: day and month in either order, followed by the year and optionally a time of day with
 * one or two digits for the hour.
 */
export const SPREADSHEET_DATE =
  /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T, ]\s*(\d{1,2})(:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d{2}:?\d{2}|[AaPp]\.?[Mm]\.?)?)?$/;
/**
 * Numbers at or above this limit are milliseconds since 1970; smaller numbers are seconds. This rule is unambiguous for
 * times from 1973 to 5138.
 */
const FIRST_MILLISECONDS = 1e11;
/** The greatest distance from 1970 that a Date can represent, in milliseconds (ECMA-262, 21.4.1.1). */
const FURTHEST_MS = 8.64e15;
export const MS_PER_DAY = 86_400_000;

/** The order of day and month in a spreadsheet's dates, such as 25.11.2026 (`dmy`) and 11/25/2026 (`mdy`). */
export type DateOrder = 'dmy' | 'mdy';

/** The supported time formats, as text for messages. */
export const TIME_FORMATS = 'a date (2026-03-04), a date with a time (2026-03-04T17:05:00Z), or seconds since 1970';

/**
 * Converts a date, with or without a time of day, to milliseconds since 1970. Returns null for any other text and for
 * days that do not exist. The date is in ISO 8601 or, if `order` is given, in a spreadsheet's form. A time without an
 * offset is in UTC. A date without a time means the start of the day.
 */
export function parseDate(text: string, order?: DateOrder): number | null {
  if (order !== undefined) return parseSpreadsheetDate(text, order);
  const [, day, clock = '00:00', zone = 'Z'] = ISO.exec(text) ?? [];
  return day === undefined ? null : momentOf(day, clock, zone);
}

/** Converts a date, like `parseDate`, to days since 1970. */
export function parseDays(text: string, order?: DateOrder): number | null {
  const ms = parseDate(text, order);
  return ms === null ? null : ms / MS_PER_DAY;
}

/**
 * Converts a time to milliseconds since 1970; returns null for any other text. The time is a number of seconds or
 * milliseconds since 1970, an ISO 8601 date or, if `order` is given, a spreadsheet's date.
 */
export function parseMoment(text: string, order: DateOrder | null = null): number | null {
  if (!NUMBER.test(text)) return parseDate(text) ?? (order && parseDate(text, order));
  const number = Number(text);
  const ms = Math.abs(number) < FIRST_MILLISECONDS ? 1000 * number : number;
  return Math.abs(ms) <= FURTHEST_MS ? ms : null;
}

/**
 * Formats a time so that `parseMoment` can read it: as ISO 8601 in UTC if the year has four digits, else as
 * milliseconds since 1970.
 */
export function formatMoment(ms: number): string {
  const iso = new Date(ms).toISOString();
  return /^\d{4}-/.test(iso) ? iso.replace(/\.000Z$/, 'Z') : String(ms);
}

function parseSpreadsheetDate(text: string, order: DateOrder): number | null {
  const parts = SPREADSHEET_DATE.exec(text);
  if (!parts) return null;
  const [, first, , second, year, hours = '0', rest = ':00', zone = 'Z'] = parts;
  const [day, month] = order === 'dmy' ? [first!, second!] : [second!, first!];
  const half = /^[ap]/i.exec(zone)?.[0].toLowerCase();
  if (half !== undefined && (Number(hours) < 1 || Number(hours) > 12)) return null;
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half === 'p' ? 12 : 0);
  const pad = (part: string | number) => String(part).padStart(2, '0');
  return momentOf(`${year}-${pad(month)}-${pad(day)}`, pad(hour) + rest, half === undefined ? zone : 'Z');
}

function momentOf(day: string, clock: string, zone: string): number | null {
  // JavaScript's Date turns 30 February into a day in March
  const start = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(start.getTime()) || !start.toISOString().startsWith(day)) return null;
  const ms = Date.parse(`${day}T${clock}${zone === 'UTC' ? 'Z' : zone.replace(/^(...)(\d\d)$/, '$1:$2')}`);
  return Number.isNaN(ms) ? null : ms;
}
