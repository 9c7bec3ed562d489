/** Opaque cursors of the campaign list: base64url of the last campaign's number. */
import { AppError } from '../lib/errors.ts';

const FORM = /^c1:([1-9]\d{0,15})$/;

export function encodeCursor(campaignNumber: number): string {
  return Buffer.from(`c1:${campaignNumber}`).toString('base64url');
}

/** @throws AppError invalid_cursor for whatever `encodeCursor` did not give. */
export function decodeCursor(cursor: string): number {
  const number = Number(FORM.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1]);
  if (!Number.isSafeInteger(number) || encodeCursor(number) !== cursor) {
    throw new AppError('invalid_cursor', 'the cursor is not one that this list gave', {
      details: [{ pointer: 'cursor', message: 'is not a cursor of this list', value: cursor }],
    });
  }
  return number;
}
