/** Reads the user ids of a batch from the bytes of its body, so that no string is made of them. */
import type { GatheredTexts } from '../../lib/text/text-table.ts';

const HEAD = Buffer.from('{"user_ids":');
const [SPACE, QUOTE, COMMA, OPENING, BACKSLASH, CLOSING, END, DELETE] = Buffer.from(' ",[\\]}\x7f');

/** Ids in UTF-8 instead of the field `user_ids`. A body that is parsed as JSON never has a symbol. */
export const GATHERED = Symbol('gathered');

export type SentIds = { readonly [GATHERED]?: GatheredTexts };

/** Reads `{"user_ids": [...]}` of valid ids in printable ASCII without escapes. Returns null for any other body. */
export function readSentIds(body: Buffer, maximumIds: number, maximumBytes: number): SentIds | null {
  if (!body.subarray(0, HEAD.length).equals(HEAD)) return null;
  const bytes = new Uint8Array(body.length);
  const ends: number[] = [];
  let length = 0;
  let at = HEAD.length;
  if (body[at] === SPACE) at++;
  if (body[at] !== OPENING) return null;
  do {
    at++;
    if (body[at] === SPACE) at++;
    if (body[at++] !== QUOTE) return null;
    const start = length;
    for (let byte = body[at]!; byte !== QUOTE; byte = body[++at]!) {
      // also after the end of the body
      if (!(byte >= SPACE! && byte < DELETE!) || byte === BACKSLASH) return null;
      bytes[length++] = byte;
    }
    if (length === start || length - start > maximumBytes || ends.push(length) > maximumIds) return null;
    at++;
  } while (body[at] === COMMA);
  if (body[at] !== CLOSING || body[at + 1] !== END || at + 2 !== body.length) return null;
  return { [GATHERED]: { bytes: bytes.subarray(0, length), ends: Uint32Array.from(ends) } };
}
