/** Parses dates in the formats of spreadsheets, such as 25.11.2026 and 11/25/2026. */
import { parseDate } from './dates.ts';

/** The order of day, month and year. */
export type DateOrder = 'dmy' | 'mdy';

/**
 * Matches two numbers of one or two digits and a number of four digits, separated by `.`, `/` or `-`; a time may
 * follow.
 */
const WRITTEN_DATE = /^([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})([T ].*)?$/;

/** The number of days from 1970-01-01 to a date such as 25.11.2026 or 11/25/2026; null for any other text. */
export function parseWrittenDate(text: string, order: DateOrder): number | null {
  const parts = WRITTEN_DATE.exec(text);
  if (!parts) return null;
  const [first, second] = [parts[1]!.padStart(2, '0'), parts[2]!.padStart(2, '0')];
  const [day, month] = order === 'dmy' ? [first, second] : [second, first];
  return parseDate(`${parts[3]}-${month}-${day}${parts[4] ?? ''}`);
}
