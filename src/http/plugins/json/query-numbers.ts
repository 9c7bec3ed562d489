/**
 * Schemas of numbers in queries and paths. A number must be in plain digits, as in JSON: no hexadecimal, no blanks, no
 * `1e3` for a whole number.
 */
import { z } from 'zod';

const WHOLE = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?$/;
const LARGEST_VERSION = 999_999_999;

/** Adds the type and bounds of the number to the OpenAPI document. */
interface NumberMeta {
  readonly description?: string;
  readonly examples?: number[];
  readonly default?: number;
}

/** Schema of a whole number from `minimum` to `maximum`. */
export function wholeNumber(minimum: number, maximum?: number, meta: NumberMeta = {}) {
  const bounds = maximum === undefined ? { minimum } : { minimum, maximum };
  const whole = z.int().min(minimum);
  return numberText(WHOLE, 'a whole number in plain digits is expected', {
    type: 'integer',
    ...bounds,
    ...meta,
  }).pipe(maximum === undefined ? whole : whole.max(maximum));
}

/** A decimal number. */
export function decimalNumber(
  bounds: { readonly minimum?: number; readonly exclusiveMinimum?: number; readonly maximum?: number } = {},
) {
  return numberText(NUMBER, 'a number is expected', { type: 'number', ...bounds });
}

/** Schema of a version number in a path or query. */
export function versionNumber() {
  return wholeNumber(1, LARGEST_VERSION, { description: 'An audience version.', examples: [2] });
}

/** Schema of the query parameter `limit`, which defaults to `fallback`. */
export function pageLimit(maximum: number, fallback: number) {
  return wholeNumber(1, maximum, { default: fallback }).default(fallback);
}

/** `Number` alone would read an empty string as 0. */
function numberText(pattern: RegExp, message: string, meta: object) {
  return z
    .custom<string>((text) => typeof text === 'string' && pattern.test(text) && Number.isFinite(Number(text)), message)
    .meta({ ...meta })
    .transform(Number);
}
