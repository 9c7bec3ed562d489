/** Timestamps in the files of a data set. */
import { parseDate } from './dates.ts';

const NUMBER = /^-?\d+(?:\.\d+)?$/;
/**
 * Numbers at or above this limit are milliseconds since 1970; smaller numbers are seconds. This rule is unambiguous for
 * times from 1973 to 5138.
 */
const FIRST_MILLISECONDS = 1e11;
/** The greatest distance from 1970 that a Date can represent, in milliseconds (ECMA-262, 21.4.1.1). */
const FURTHEST_MS = 8.64e15;
const MS_PER_DAY = 86_400_000;

/** The supported time formats, as text for messages. */
export const TIME_FORMATS = 'a date (2026-03-04), a date with a time (2026-03-04T17:05:00Z), or seconds since 1970';

/**
 * Converts a time to milliseconds since 1970; returns null for any other text. A time is an ISO 8601 date, with or
 * without a time of day (in UTC unless it has an offset), or a number of seconds or milliseconds since 1970. A date
 * alone means the start of that day.
 */
export function parseMoment(text: string): number | null {
  if (!NUMBER.test(text)) {
    const days = parseDate(text);
    return days === null ? null : Math.round(days * MS_PER_DAY);
  }
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
