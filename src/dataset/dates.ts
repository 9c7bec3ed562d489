/** Dates as numbers. */

/** An ISO 8601 date, with or without a time. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
/** The same as a regular expression for other programs: nothing in it that RE2 lacks. */
export const ISO_DATE = DATE.source;

const MS_PER_DAY = 86_400_000;

/**
 * Days since 1970-01-01 of an ISO 8601 date, with or without a time; without an offset it is UTC. null for any other
 * text. The later, the larger: a band of it is as recent as another by the same number of days.
 */
export function parseDate(text: string): number | null {
  if (!DATE.test(text)) return null;
  const hasOffset = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10;
  const ms = Date.parse(hasOffset || text.length === 10 ? text : `${text}Z`);
  if (Number.isNaN(ms) || !isCalendarDay(text.slice(0, 10))) return null;
  return ms / MS_PER_DAY;
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isCalendarDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
