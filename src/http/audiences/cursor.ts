/** The opaque cursors of pages of an audience's members, and of pages of the audiences that contain a user. */
import { createHash } from 'node:crypto';
import { AppError } from '../../lib/errors.ts';

export interface AudienceCursor {
  readonly audienceVersion: number;
  /** Size of the audience: the cut of the first page applies to all pages that follow. */
  readonly size: number;
  /** Ranks up to and including this one have been returned: the 0-based start of the next page. */
  readonly afterRank: number;
}

/** Layout: format (1 byte), audience version, size, rank (uint32 LE each), check (4 bytes). */
const FORMAT = 2;
const BODY_BYTES = 13;
const CHECK_BYTES = 4;
const TEXT_LENGTH = Math.ceil(((BODY_BYTES + CHECK_BYTES) * 4) / 3);

/** The text of a cursor in base64url; valid only for this campaign. */
export function encodeCursor(campaignId: string, cursor: AudienceCursor): string {
  const bytes = Buffer.alloc(BODY_BYTES);
  bytes.writeUInt8(FORMAT, 0);
  bytes.writeUInt32LE(cursor.audienceVersion, 1);
  bytes.writeUInt32LE(cursor.size, 5);
  bytes.writeUInt32LE(cursor.afterRank, 9);
  return Buffer.concat([bytes, checkOf(campaignId, bytes)]).toString('base64url');
}

/**
 * Reads a cursor of this campaign; anything else is `invalid_cursor`. The check finds mistakes; it is not a signature.
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

/** The cursor of a user's audiences: the campaign after which the next page starts. */
export function encodeCampaignCursor(campaignId: string): string {
  return Buffer.from(`${AFTER_CAMPAIGN}${campaignId}`).toString('base64url');
}

/**
 * Reads the result of `encodeCampaignCursor`; anything else is `invalid_cursor`. The campaign may have been deleted.
 */
export function decodeCampaignCursor(text: string): string {
  const decoded = Buffer.from(text, 'base64url').toString();
  const campaignId = decoded.slice(AFTER_CAMPAIGN.length);
  const isOurs = decoded.startsWith(AFTER_CAMPAIGN) && campaignId !== '' && encodeCampaignCursor(campaignId) === text;
  if (!isOurs) throw invalidCursor(text, 'the cursor does not belong to this list');
  return campaignId;
}

/** The error for a cursor that is not valid. */
export function invalidCursor(text: string, message: string): AppError {
  return new AppError('invalid_cursor', message, { details: [{ pointer: 'cursor', value: text, message }] });
}

function checkOf(campaignId: string, body: Buffer): Buffer {
  return createHash('sha256').update(campaignId).update(body).digest().subarray(0, CHECK_BYTES);
}
