/** Times of a log. */
import { lineError } from '../../dataset/lines.ts';
import type { Value } from '../../dataset/row-source.ts';
import { parseMoment } from '../../dataset/times.ts';

/** Year, month, day; then perhaps a time of day; then perhaps where it is. */
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Milliseconds since 1970 of a number (seconds or milliseconds since 1970), or of a date as in ISO 8601, with or
 * without a time of day (UTC unless it says otherwise). Errors: AppError `invalid_data` naming file:line, also for
 * `03/04/2020`, which is two dates.
 */
export function parseTime(value: Value, path: string, line: number): number {
  const text = typeof value === 'string' ? value.trim() : '';
  const moment = parseMoment(text);
  if (moment !== null) return moment;
  const [, date, clock = '00:00', zone = 'Z'] = DATE.exec(text) ?? [];
  const time = date === undefined ? Number.NaN : Date.parse(`${date}T${clock}${zone === 'UTC' ? 'Z' : zone}`);
  if (Number.isFinite(time)) return time;
  const message = 'a time is seconds or milliseconds since 1970, or a date like 2026-03-04 or 2026-03-04 17:05:00';
  throw lineError(path, line, `${JSON.stringify(value)} is no time: ${message}`, { value });
}
