/** Opaque cursors of lists. A cursor contains a letter for the list and the start of the next page, in base64url. */
import { hash } from 'node:crypto';
import { AppError } from '../lib/errors.ts';

const LETTERS = {
  campaigns: 'c',
  expansions: 'e',
  audiences: 'v',
  members: 'm',
  changes: 'x',
  user_audiences: 'u',
  feature_values: 'f',
  webhooks: 'w',
  deliveries: 'd',
  destinations: 't',
  keys: 'k',
  audit: 'a',
} as const;

export type ListName = keyof typeof LETTERS;

/**
 * `place` is a row number, several numbers or an id. With a `scope`, such as a campaign, the cursor is valid only
 * there.
 */
export function encodeCursor(list: ListName, place: number | string | readonly number[], scope?: string): string {
  const text = Array.isArray(place) ? place.join('.') : String(place);
  // this detects mistakes; it is not a signature
  const check = scope === undefined ? '' : `:${hash('sha256', `${text} ${scope}`).slice(0, 8)}`;
  return Buffer.from(`${LETTERS[list]}1:${text}${check}`).toString('base64url');
}

interface Decoding {
  /** The parameter that contained the cursor. */
  readonly pointer?: string;
  readonly scope?: string;
}

/**
 * Returns the number in a cursor.
 * @throws AppError invalid_cursor for anything that `encodeCursor` did not return for a number of this list
 */
export function decodeCursor(list: ListName, cursor: string, decoding: Decoding = {}): number {
  return decodeNumbers(list, cursor, 1, decoding)[0]!;
}

/** Like `decodeCursor`, for a place that consists of several numbers. */
export function decodeNumbers(list: ListName, cursor: string, count: number, decoding: Decoding = {}): number[] {
  const parts = decodePlace(list, cursor, decoding).split('.');
  const numbers = parts.map((part) => (/^(0|[1-9]\d{0,15})$/.test(part) ? Number(part) : Number.NaN));
  if (numbers.length === count && numbers.every(Number.isSafeInteger)) return numbers;
  throw invalidCursor(cursor, NOT_OURS, decoding.pointer);
}

/** Like `decodeCursor`, for a place that is an id. */
export function decodePlace(list: ListName, cursor: string, { pointer, scope }: Decoding = {}): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const place = text.slice(text.indexOf(':') + 1, scope === undefined ? undefined : text.lastIndexOf(':'));
  if (place !== '' && encodeCursor(list, place, scope) === cursor) return place;
  throw invalidCursor(cursor, NOT_OURS, pointer);
}

const NOT_OURS = 'the cursor does not belong to this list';

export function invalidCursor(value: string, message: string, pointer = 'cursor'): AppError {
  return new AppError('invalid_cursor', message, { details: [{ pointer, value, message }] });
}
