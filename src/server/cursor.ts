/** The opaque cursor of an audience: which audience version, and the rank after which the next page starts. */
import { createHash } from 'node:crypto';
import { AppError } from '../lib/errors.ts';

export interface AudienceCursor {
  readonly audienceVersion: number;
  /** Ranks up to and including this one were given: 0-based start of the next page. */
  readonly afterRank: number;
}

/** Layout: format (1 byte), audience version (uint32 LE), rank (uint32 LE), check (4 bytes). */
const FORMAT = 1;
const BODY_BYTES = 9;
const CHECK_BYTES = 4;
const TEXT_LENGTH = Math.ceil(((BODY_BYTES + CHECK_BYTES) * 4) / 3);

/** The text of a cursor, base64url; good for this campaign only. */
export function encodeCursor(campaignId: string, cursor: AudienceCursor): string {
  const bytes = Buffer.alloc(BODY_BYTES);
  bytes.writeUInt8(FORMAT, 0);
  bytes.writeUInt32LE(cursor.audienceVersion, 1);
  bytes.writeUInt32LE(cursor.afterRank, 5);
  return Buffer.concat([bytes, checkOf(campaignId, bytes)]).toString('base64url');
}

/** Reads a cursor of this campaign; anything else is `invalid_cursor`. The check finds mistakes, it is no signature. */
export function decodeCursor(campaignId: string, text: string): AudienceCursor {
  const bytes = Buffer.from(text, 'base64url');
  const body = bytes.subarray(0, BODY_BYTES);
  const isOurs =
    text.length === TEXT_LENGTH &&
    bytes.length === BODY_BYTES + CHECK_BYTES &&
    bytes.toString('base64url') === text &&
    bytes.readUInt8(0) === FORMAT &&
    bytes.subarray(BODY_BYTES).equals(checkOf(campaignId, body));
  if (!isOurs) throw invalidCursor(text, 'the cursor was not given by this campaign');
  return { audienceVersion: bytes.readUInt32LE(1), afterRank: bytes.readUInt32LE(5) };
}

/** The error of a cursor that cannot be followed. */
export function invalidCursor(text: string, message: string): AppError {
  return new AppError('invalid_cursor', message, { details: [{ pointer: 'cursor', value: text, message }] });
}

function checkOf(campaignId: string, body: Buffer): Buffer {
  return createHash('sha256').update(campaignId).update(body).digest().subarray(0, CHECK_BYTES);
}
