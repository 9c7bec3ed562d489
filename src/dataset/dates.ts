/** Converts dates to numbers. */

/** An ISO 8601 date, with or without a time. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

const MS_PER_DAY = 86_400_000;

/**
 * The number of days from 1970-01-01 to an ISO 8601 date, with or without a time; null for any other text. A time
 * without an offset is in UTC.
 */
export function parseDate(text: string): number | null {
  if (!DATE.test(text)) return null;
  const hasOffset = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10;
  const ms = Date.parse(hasOffset || text.length === 10 ? text : `${text}Z`);
  if (Number.isNaN(ms) || !isCalendarDay(text.slice(0, 10))) return null;
  return ms / MS_PER_DAY;
}

/** Whether a day exists in the calendar. JavaScript's Date turns 30 February into a day in March. */
function isCalendarDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
