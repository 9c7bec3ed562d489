/** Streams of whole audiences, at the client's pace; a client that is too slow is cut off. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { AppError } from '../../../lib/errors.ts';
import { GZIP } from '../../plugins/compression.ts';
import type { HttpLimits } from '../../plugins/limits.ts';

/** A timer with a longer delay fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The time limits for a client that reads a stream. */
export type StreamLimits = Pick<HttpLimits, 'streamStallMs' | 'maximumStreamMs'>;

/**
 * A stream of chunks, each made when the client has read the one before: only one is in memory. It fails with
 * request_timeout if a chunk is not read within `streamStallMs`, or the whole within `maximumStreamMs`. `onClose` is
 * called once, at the end or when the client has disconnected.
 */
export function streamChunks(
  chunks: AsyncIterable<string | Uint8Array>,
  { gzip, limits: { streamStallMs, maximumStreamMs } }: { readonly gzip: boolean; readonly limits: StreamLimits },
  onClose: () => void,
): Readable {
  const late = (message: string) => () => void source.destroy(new AppError('request_timeout', message));
  const wholeMs = Math.min(maximumStreamMs, LONGEST_TIMER_MS);
  const whole = setTimeout(late(`the client did not read the whole response in ${wholeMs} ms`), wholeMs);
  let stall: NodeJS.Timeout | undefined;
  async function* timed(): AsyncGenerator<string | Uint8Array> {
    for await (const chunk of chunks) {
      stall = setTimeout(late(`the client did not read a chunk in ${streamStallMs} ms`), streamStallMs);
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
  // an error in either stream ends both, and reaches the reader
  return pipeline(source, createGzip(GZIP), () => {});
}
