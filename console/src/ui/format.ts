/** Formats numbers and times in the reader's locale. */

const WHOLE = new Intl.NumberFormat();
const EXACT = new Intl.NumberFormat(undefined, { maximumFractionDigits: 12 });
const SHORT = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const FACTOR = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SCORE = new Intl.NumberFormat(undefined, { minimumFractionDigits: 4, maximumFractionDigits: 4 });
const NUMBER = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** 1,234,567 */
export function formatCount(count: number): string {
  return WHOLE.format(count);
}

/** Formats a count with a noun: "1 draft", "1,234 drafts". */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Formats a number exactly as entered: 1,234.567. */
export function formatExact(value: number): string {
  return EXACT.format(value);
}

/** Formats a measured number: 12.3, 1,230. */
export function formatNumber(value: number): string {
  return NUMBER.format(value);
}

/** 1.2M */
export function formatShort(count: number): string {
  return SHORT.format(count);
}

/** 3.4× */
export function formatFactor(factor: number): string {
  return `${FACTOR.format(factor)}×`;
}

/** Formats an estimated value with its interval: "33% (28% to 38%)". */
export function formatInterval(
  { mean, low, high }: { readonly mean: number; readonly low: number; readonly high: number },
  format: (value: number) => string,
): string {
  return `${format(mean)} (${format(low)} to ${format(high)})`;
}

/** Formats a factor on a scale, without superfluous digits: 3×, 0.5×. */
export function formatTimes(factor: number): string {
  return `${SHORT.format(factor)}×`;
}

/** Formats a score of the ranking: 0.9312. */
export function formatScore(score: number): string {
  return SCORE.format(score);
}

/** Formats a share from 0 to 1 as a percentage, with enough digits that a small share is not shown as 0. */
export function formatShare(share: number): string {
  const maximumFractionDigits = share !== 0 && Math.abs(share) < 0.1 ? 1 : 0;
  return new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits }).format(share);
}

/** Formats a time from the API as date and time of day. */
export function formatTime(time: string): string {
  return TIME.format(new Date(time));
}

/** Formats the time since an event: "3 min ago", in days up to a month, then as a date. */
export function formatAgo(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS[3];
  if (unit === 'day' && Math.abs(seconds) > 30 * length) return formatTime(time);
  return AGO.format(Math.round(seconds / length), unit);
}

/** Formats a duration: "8 s", "2 min", "1 h 20 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** 5.1 MB */
export function formatBytes(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const style = { style: 'unit', unit: BYTE_UNITS[power]!, maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(undefined, style).format(bytes / 1000 ** power);
}
