/** Opaque cursors for two lists: an audience's members, and the audiences that contain a user. */
import { createHash } from 'node:crypto';
import { AppError } from '../../lib/errors.ts';

export interface AudienceCursor {
  readonly audienceVersion: number;
  /** Number of users in the audience. The cut of the first page applies to all later pages. */
  readonly size: number;
  /** The last rank that was returned (1-based), which is also the 0-based start of the next page. */
  readonly afterRank: number;
}

/** Layout: format (1 byte), audience version, size, rank (uint32 LE each), check (4 bytes). */
const FORMAT = 2;
const BODY_BYTES = 13;
const CHECK_BYTES = 4;
const TEXT_LENGTH = Math.ceil(((BODY_BYTES + CHECK_BYTES) * 4) / 3);

/** Encodes a cursor as base64url. The cursor is valid only for this campaign. */
export function encodeCursor(campaignId: string, cursor: AudienceCursor): string {
  const bytes = Buffer.alloc(BODY_BYTES);
  bytes.writeUInt8(FORMAT, 0);
  bytes.writeUInt32LE(cursor.audienceVersion, 1);
  bytes.writeUInt32LE(cursor.size, 5);
  bytes.writeUInt32LE(cursor.afterRank, 9);
  return Buffer.concat([bytes, checkOf(campaignId, bytes)]).toString('base64url');
}

/**
 * Decodes a cursor of this campaign. The check bytes detect mistakes; they are not a signature.
 * @throws AppError invalid_cursor
 */
export function decodeCursor(campaignId: string, text: string): AudienceCursor {
  const bytes = Buffer.from(text, 'base64url');
  const body = bytes.subarray(0, BODY_BYTES);
  const isOurs =
    text.length === TEXT_LENGTH &&
    bytes.length === BODY_BYTES + CHECK_BYTES &&
    bytes.toString('base64url') === text &&
    bytes.readUInt8(0) === FORMAT &&
    bytes.subarray(BODY_BYTES).equals(checkOf(campaignId, body));
  if (!isOurs) throw invalidCursor(text, 'the cursor does not belong to this campaign');
  return { audienceVersion: bytes.readUInt32LE(1), size: bytes.readUInt32LE(5), afterRank: bytes.readUInt32LE(9) };
}

const AFTER_CAMPAIGN = 'u1:';

/** Encodes the cursor of a user's audiences, which contains the id of the last campaign on the page. */
export function encodeCampaignCursor(campaignId: string): string {
  return Buffer.from(`${AFTER_CAMPAIGN}${campaignId}`).toString('base64url');
}

/**
 * Decodes the result of `encodeCampaignCursor`. The campaign may have been deleted since.
 * @throws AppError invalid_cursor
 */
export function decodeCampaignCursor(text: string): string {
  const decoded = Buffer.from(text, 'base64url').toString();
  const campaignId = decoded.slice(AFTER_CAMPAIGN.length);
  const isOurs = decoded.startsWith(AFTER_CAMPAIGN) && campaignId !== '' && encodeCampaignCursor(campaignId) === text;
  if (!isOurs) throw invalidCursor(text, 'the cursor does not belong to this list');
  return campaignId;
}

export function invalidCursor(text: string, message: string): AppError {
  return new AppError('invalid_cursor', message, { details: [{ pointer: 'cursor', value: text, message }] });
}

function checkOf(campaignId: string, body: Buffer): Buffer {
  return createHash('sha256').update(campaignId).update(body).digest().subarray(0, CHECK_BYTES);
}
