/** Streams whole audiences as fast as the client reads them, and disconnects clients that are too slow. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { AppError } from '../../../lib/errors.ts';
import { GZIP } from '../../plugins/compression.ts';
import type { HttpLimits } from '../../plugins/limits.ts';
import type { StreamSlot } from './stream-slots.ts';

/** The maximum delay of a timer in ms; Node fires timers with a longer delay at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Time limits for a client that reads a stream. */
export type StreamLimits = Pick<HttpLimits, 'streamStallMs' | 'maximumStreamMs'>;

interface StreamOptions {
  readonly gzip: boolean;
  readonly limits: StreamLimits;
  /** The stream's slot, if it needs one. */
  readonly slot?: StreamSlot;
}

/**
 * A stream that produces each chunk only after the client has read the previous chunk, so that one chunk at a time is
 * in memory. The stream fails with request_timeout if reading a chunk takes longer than `streamStallMs`, or reading the
 * whole stream takes longer than `maximumStreamMs`. `onClose` is called once, at the end or when the client has
 * disconnected.
 */
export function streamChunks(
  chunks: AsyncIterable<string | Uint8Array>,
  { gzip, limits: { streamStallMs, maximumStreamMs }, slot }: StreamOptions,
  onClose: () => void,
): Readable {
  const late = (message: string) => () => void source.destroy(new AppError('request_timeout', message));
  const wholeMs = Math.min(maximumStreamMs, LONGEST_TIMER_MS);
  const whole = setTimeout(late(`the client did not read the whole response within ${wholeMs} ms`), wholeMs);
  let stall: NodeJS.Timeout | undefined;
  async function* timed(): AsyncGenerator<string | Uint8Array> {
    for await (const chunk of chunks) {
      stall = setTimeout(late(`the client did not read a chunk within ${streamStallMs} ms`), streamStallMs);
      slot?.noteChunk(true);
      yield chunk;
      slot?.noteChunk(false);
      clearTimeout(stall);
    }
  }
  const source = Readable.from(timed(), { objectMode: false, highWaterMark: 1 }).once('close', () => {
    clearTimeout(whole);
    clearTimeout(stall);
    onClose();
  });
  if (slot) slot.end = (error) => void source.destroy(error);
  if (!gzip) return source;
  // `pipeline` ends both streams if either fails, and passes the error to the reader
  return pipeline(source, createGzip(GZIP), () => {});
}
