/** Streams of whole audiences: no faster than the client reads, and not slower than it may. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { AppError } from '../../../lib/errors.ts';
import { GZIP } from '../../plugins/compression.ts';
import type { HttpLimits } from '../../plugins/limits.ts';

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
  return pipeline(source, createGzip(GZIP), () => {});
}
