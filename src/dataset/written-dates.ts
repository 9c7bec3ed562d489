/** Dates as programs for people write them. */
import { parseDate } from './dates.ts';

/** Day or month first, and which of the three parts is which. */
export type DateOrder = 'dmy' | 'mdy';

/**
 * One or two digits, one or two digits, four digits, between them `.`, `/` or `-`; a time may follow. As text, for
 * other programs: nothing in it that RE2 lacks.
 */
export const WRITTEN_DATE = '^([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})([T ].*)?$';

const PATTERN = new RegExp(WRITTEN_DATE);

/** Days since 1970-01-01 of a date such as 25.11.2026 or 11/25/2026, null for any other text. */
export function parseWrittenDate(text: string, order: DateOrder): number | null {
  const parts = PATTERN.exec(text);
  if (!parts) return null;
  const [first, second] = [parts[1]!.padStart(2, '0'), parts[2]!.padStart(2, '0')];
  const [day, month] = order === 'dmy' ? [first, second] : [second, first];
  return parseDate(`${parts[3]}-${month}-${day}${parts[4] ?? ''}`);
}
