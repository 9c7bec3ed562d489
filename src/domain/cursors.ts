/** Opaque cursors of lists: a letter for the list and the number of the last row, encoded in base64url. */
import { AppError } from '../lib/errors.ts';

const LETTERS = {
  campaigns: 'c',
  expansions: 'e',
  audiences: 'v',
  changes: 'x',
  webhooks: 'w',
  deliveries: 'd',
  keys: 'k',
  audit: 'a',
} as const;

export type ListName = keyof typeof LETTERS;

export function encodeCursor(list: ListName, number: number): string {
  return Buffer.from(`${LETTERS[list]}1:${number}`).toString('base64url');
}

/**
 * Decodes a cursor. `pointer` names the parameter that contained the cursor.
 * @throws AppError invalid_cursor for anything that `encodeCursor` did not return for this list
 */
export function decodeCursor(list: ListName, cursor: string, pointer = 'cursor'): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const number = Number(/^[a-z]1:(0|[1-9]\d{0,15})$/.exec(text)?.[1]);
  if (!Number.isSafeInteger(number) || encodeCursor(list, number) !== cursor) {
    throw new AppError('invalid_cursor', 'the cursor does not belong to this list', {
      details: [{ pointer, message: 'is not a cursor of this list', value: cursor }],
    });
  }
  return number;
}
