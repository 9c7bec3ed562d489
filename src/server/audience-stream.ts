/** A whole audience as NDJSON or CSV, a chunk of rows at a time, no faster than the client reads. */
import { Readable } from 'node:stream';
import type { AudienceItem } from '../audience/page.ts';

export const NDJSON_TYPE = 'application/x-ndjson';
export const CSV_TYPE = 'text/csv';

export type StreamType = typeof NDJSON_TYPE | typeof CSV_TYPE;

/** Reads up to `limit` members from `fromRank` (0-based). */
export type ReadPage = (fromRank: number, limit: number) => readonly AudienceItem[];

/** The text of some members. */
export function formatItems(type: StreamType, items: readonly AudienceItem[]): string {
  const format = type === CSV_TYPE ? formatCsv : formatNdjson;
  let text = '';
  for (const item of items) text += format(item);
  return text;
}

/** What comes before the first member. */
export function headOf(type: StreamType): string {
  return type === CSV_TYPE ? 'rank,user_id,score\r\n' : '';
}

/**
 * Members of the 0-based ranks `from` to `to`. Pages are read when the client has taken the one before: the stream
 * holds one chunk, whatever the audience's size. `onClose` is called once, at the end or when the client has gone.
 */
export function streamAudience(
  type: StreamType,
  readPage: ReadPage,
  range: { readonly from: number; readonly to: number; readonly chunkRows: number },
  onClose: () => void,
): Readable {
  function* chunks(): Generator<string> {
    const head = headOf(type);
    if (head !== '') yield head;
    for (let rank = range.from; rank < range.to; rank += range.chunkRows) {
      yield formatItems(type, readPage(rank, Math.min(range.chunkRows, range.to - rank)));
    }
  }
  return Readable.from(chunks(), { objectMode: false, highWaterMark: 1 }).once('close', onClose);
}

function formatNdjson({ rank, user_id, score }: AudienceItem): string {
  return `{"rank":${rank},"user_id":${JSON.stringify(user_id)},"score":${score}}\n`;
}

function formatCsv({ rank, user_id, score }: AudienceItem): string {
  return `${rank},${quote(user_id)},${score}\r\n`;
}

/** RFC 4180: a field with a comma, a quote or a line break is quoted, its quotes doubled. */
function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
