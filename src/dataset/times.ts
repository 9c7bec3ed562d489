/** Moments of time as the files of a data set have them. */
import { parseDate } from './dates.ts';

const NUMBER = /^-?\d+(?:\.\d+)?$/;
/** A number from here on is milliseconds since 1970, a smaller one seconds: both are after 1973 and before 5138. */
const FIRST_MILLISECONDS = 1e11;
/** The first and the last moment that a date can name are so far from 1970 (ECMA-262, 21.4.1.1). */
const FURTHEST_MS = 8.64e15;
const MS_PER_DAY = 86_400_000;

/** What a time may be, for messages. */
export const TIME_FORMATS = 'a date (2026-03-04), a date with a time (2026-03-04T17:05:00Z), or seconds since 1970';

/**
 * Milliseconds since 1970 of an ISO 8601 date, with or without a time of day (without an offset it is UTC; a date alone
 * is the start of its day), or of seconds or milliseconds since 1970. null for any other text.
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

/** As `parseMoment` reads it: ISO 8601 in UTC where the year has four digits, milliseconds since 1970 elsewhere. */
export function formatMoment(ms: number): string {
  const iso = new Date(ms).toISOString();
  return /^\d{4}-/.test(iso) ? iso.replace(/\.000Z$/, 'Z') : String(ms);
}
