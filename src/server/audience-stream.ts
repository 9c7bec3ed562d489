/** Whole audiences as text or Parquet, a chunk of rows at a time, no faster than the client reads. */
import { pipeline, Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, createGzip } from 'node:zlib';
import type { AudienceItem } from '../audience/page.ts';
import { parquetOf } from '../audience/parquet.ts';

export const NDJSON_TYPE = 'application/x-ndjson';
export const CSV_TYPE = 'text/csv';
export const PARQUET_TYPE = 'application/vnd.apache.parquet';

type TextType = typeof NDJSON_TYPE | typeof CSV_TYPE;

/** Rows of text: how they begin, and what each one is. */
export interface RowFormat<T> {
  /** Of CSV. */
  readonly columns: string;
  ndjson(row: T): string;
  csv(row: T): string;
}

/** Members of an audience. */
export const MEMBER_ROWS: RowFormat<AudienceItem> = {
  columns: 'rank,user_id,score,percentile',
  ndjson: ({ rank, user_id, score, percentile }) =>
    `{"rank":${rank},"user_id":${JSON.stringify(user_id)},"score":${score},"percentile":${percentile}}\n`,
  csv: ({ rank, user_id, score, percentile }) => `${rank},${quoteCsv(user_id)},${score},${percentile}\r\n`,
};

/** A part of a text: each page of rows becomes one chunk, after CSV's header. */
export function* textOf<T>(type: TextType, format: RowFormat<T>, pages: Iterable<readonly T[]>): Generator<string> {
  if (type === CSV_TYPE) yield `${format.columns}\r\n`;
  const formatRow = type === CSV_TYPE ? format.csv : format.ndjson;
  for (const page of pages) {
    let text = '';
    for (const row of page) text += formatRow(row);
    if (text !== '') yield text;
  }
}

/** A Parquet file of members; the event loop has a turn after each page. */
export function parquetChunks(
  pages: Iterable<readonly AudienceItem[]>,
  rowGroupRows: number,
): AsyncGenerator<Uint8Array> {
  async function* inTurns() {
    for (const page of pages) {
      await nextTurn();
      yield page;
    }
  }
  return parquetOf(inTurns(), rowGroupRows);
}

/**
 * A stream of chunks, each made when the client has taken the one before: it holds one, whatever there is in all. `onClose` is called
 * once, at the end or when the client has gone.
 */
export function streamChunks(
  chunks: Iterable<string> | AsyncIterable<Uint8Array>,
  { gzip }: { readonly gzip: boolean },
  onClose: () => void,
): Readable {
  const source = Readable.from(chunks, { objectMode: false, highWaterMark: 1 }).once('close', onClose);
  if (!gzip) return source;
  // an error of either ends both, and who reads gets it
  return pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), () => {});
}

/** RFC 4180: a field with a comma, a quote or a line break is quoted, its quotes doubled. */
export function quoteCsv(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
