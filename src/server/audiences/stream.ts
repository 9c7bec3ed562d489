/** Whole audiences as text or Parquet, a chunk of rows at a time, no faster than the client reads. */
import { pipeline, Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { AudienceItem } from '../../audience/page.ts';
import { parquetOf } from '../../audience/parquet.ts';
import { quoteCsv, quoteSafeCsv } from '../../lib/csv.ts';
import { AppError } from '../../lib/errors.ts';
import type { HttpLimits } from '../http/limits.ts';
import { CSV_TYPE, type NDJSON_TYPE } from '../http/media-types.ts';
import { decimalScore } from './decimal-score.ts';
import type { Turn } from './stream-turns.ts';

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
    `{"rank":${rank},"user_id":${JSON.stringify(user_id)},"score":${decimalScore(score)},"percentile":${percentile}}\n`,
  csv: ({ rank, user_id, score, percentile }) =>
    `${rank},${quoteCsv(user_id)},${decimalScore(score)},${percentile}\r\n`,
};

/** The same, for spreadsheets: `csv_safe`. */
export const SAFE_MEMBER_ROWS: RowFormat<AudienceItem> = {
  ...MEMBER_ROWS,
  csv: ({ rank, user_id, score, percentile }) =>
    `${rank},${quoteSafeCsv(user_id)},${decimalScore(score)},${percentile}\r\n`,
};

/** The text of some rows, after CSV's header. */
export function textOf<T>(type: TextType, format: RowFormat<T>, rows: readonly T[]): string {
  return headOf(type, format) + formatRows(type, format, rows);
}

/** The same of all rows, a chunk a page; the event loop has a turn after each page, also where it had no rows. */
export async function* textChunks<T>(
  type: TextType,
  format: RowFormat<T>,
  pages: Iterable<readonly T[]>,
  turn: Turn,
): AsyncGenerator<string> {
  const head = headOf(type, format);
  if (head !== '') yield head;
  for await (const page of inTurns(pages, turn)) {
    const text = formatRows(type, format, page);
    if (text !== '') yield text;
  }
}

/** A Parquet file of members; the event loop has a turn after each page. */
export function parquetChunks(
  pages: Iterable<readonly AudienceItem[]>,
  rowGroupRows: number,
  turn: Turn,
): AsyncGenerator<Uint8Array> {
  return parquetOf(inTurns(pages, turn), rowGroupRows);
}

/** A timer of more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long a client may take. */
export type StreamLimits = Pick<HttpLimits, 'streamStallMs' | 'maximumStreamMs'>;

/**
 * A stream of chunks, each made when the client has taken the one before: it holds one, whatever there is in all. It
 * fails with request_timeout where a chunk is not taken within `streamStallMs`, or all within `maximumStreamMs`.
 * `onClose` is called once, at the end or when the client has gone.
 */
export function streamChunks(
  chunks: AsyncIterable<string | Uint8Array>,
  { gzip, limits: { streamStallMs, maximumStreamMs } }: { readonly gzip: boolean; readonly limits: StreamLimits },
  onClose: () => void,
): Readable {
  const late = (message: string) => () => void source.destroy(new AppError('request_timeout', message));
  const wholeMs = Math.min(maximumStreamMs, LONGEST_TIMER_MS);
  const whole = setTimeout(late(`the client did not take the whole in ${wholeMs} ms`), wholeMs);
  let stall: NodeJS.Timeout | undefined;
  async function* timed(): AsyncGenerator<string | Uint8Array> {
    for await (const chunk of chunks) {
      stall = setTimeout(late(`the client did not take a chunk in ${streamStallMs} ms`), streamStallMs);
      yield chunk;
      clearTimeout(stall);
    }
  }
  const source = Readable.from(timed(), { objectMode: false, highWaterMark: 1 }).once('close', () => {
    clearTimeout(whole);
    clearTimeout(stall);
    onClose();
  });
  if (!gzip) return source;
  // an error of either ends both, and who reads gets it
  return pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), () => {});
}

/** A client that takes everything at once would otherwise keep all others waiting: its socket never says stop. */
async function* inTurns<T>(pages: Iterable<T>, turn: Turn): AsyncGenerator<T> {
  await turn();
  for (const page of pages) {
    yield page;
    await turn();
  }
}

function headOf<T>(type: TextType, { columns }: RowFormat<T>): string {
  return type === CSV_TYPE ? `${columns}\r\n` : '';
}

function formatRows<T>(type: TextType, { csv, ndjson }: RowFormat<T>, rows: readonly T[]): string {
  const format = type === CSV_TYPE ? csv : ndjson;
  let text = '';
  for (const row of rows) text += format(row);
  return text;
}
