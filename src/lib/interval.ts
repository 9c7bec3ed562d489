/** A mean with the bounds of its interval, and its text formats. */

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Returns text such as `0.831 [0.790, 0.868]`. */
export function intervalText({ mean, low, high }: Interval, digits: number): string {
  return `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** Returns text such as `+0.012 [-0.004, +0.026]`. */
export function signedInterval({ mean, low, high }: Interval, digits: number): string {
  return `${signed(mean, digits)} [${signed(low, digits)}, ${signed(high, digits)}]`;
}

/** The text of a value with its sign, or without a sign if the text shows only zeros. */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return `${Number(text) === 0 ? '' : value < 0 ? '-' : '+'}${text}`;
}

/** The sign of an interval of differences: 1 if it is above zero, -1 if it is below zero, 0 if it contains zero. */
export function clearSign({ low, high }: Interval): 1 | -1 | 0 {
  return low > 0 ? 1 : high < 0 ? -1 : 0;
}
