/** Figures of two ways, compared with what is allowed, as rows of a table. */
import { median } from '../../report.ts';

/** A ratio of medians, and the range of the ratios pair by pair. */
export interface Ratio {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** `a` and `b` were measured in turn: the ratio b / a. */
export function ratioOf(a: readonly number[], b: readonly number[]): Ratio {
  const pairs = b.map((value, i) => value / a[i]!);
  return { ratio: median(b) / median(a), low: Math.min(...pairs), high: Math.max(...pairs) };
}

/** A limit on a figure of the second way. */
export interface Allowed {
  readonly words: string;
  /** Whether the medians of both ways keep it. */
  readonly isKept: (a: number, b: number) => boolean;
}

export const atMost = (factor: number, more = 0, unit = ''): Allowed => ({
  words: `at most ${factor} x${more === 0 ? '' : ` + ${more} ${unit}`}`,
  isKept: (a, b) => b <= factor * a + more,
});

export const atLeast = (factor: number): Allowed => ({
  words: `at least ${factor} x`,
  isKept: (a, b) => b >= factor * a,
});

/** A row: name, medians with ranges, ratio with range, what is allowed, and whether it is kept. */
export function comparisonRow(
  name: string,
  unit: string,
  a: readonly number[],
  b: readonly number[],
  allowed: Allowed | null,
): readonly string[] {
  const { ratio, low, high } = ratioOf(a, b);
  const kept = allowed === null ? '' : allowed.isKept(median(a), median(b)) ? 'yes' : '**no**';
  const times = `${ratio.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  return [name, spread(a, unit), spread(b, unit), times, allowed?.words ?? '', kept];
}

/** Median and range. */
export function spread(values: readonly number[], unit: string): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const end = unit === '' ? '' : ` ${unit}`;
  const middle = digits(median(values));
  return digits(low) === digits(high) ? `${middle}${end}` : `${middle}${end} (${digits(low)} to ${digits(high)})`;
}

function digits(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** The line that fits points best: y = intercept + slope x. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): { slope: number; intercept: number } {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([a]) => a), mean(([, b]) => b)];
  const spreadX = mean(([a]) => (a - x) ** 2);
  const slope = spreadX === 0 ? y / x : mean(([a, b]) => (a - x) * (b - y)) / spreadX;
  return { slope, intercept: y - slope * x };
}
