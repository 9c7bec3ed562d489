/**
 * Reads the body of an upload as unpacked bytes, one piece at a time and no faster than the pieces are consumed. A
 * sender that stalls or is too slow is disconnected.
 */
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { UserSetLimits } from './limits.ts';

/** Number of bytes that are decoded, split and sorted in one iteration of the event loop. */
const PIECE_BYTES = 64 * 1024;

/** Up to this number of unpacked bytes, the compression ratio is not checked. */
const FREE_BYTES = 1024 * 1024;

/** Limits of the body of an upload. */
export type UploadLimits = Pick<
  UserSetLimits,
  | 'maximumUploadBytes'
  | 'maximumUploadRatio'
  | 'smallUploadBytes'
  | 'uploadStallMs'
  | 'minimumUploadBytesPerSecond'
  | 'maximumUploadMs'
>;

/**
 * Yields the bytes of a body after removing its `Content-Encoding` (gzip or none). `onLarge` is called once the body is
 * known to have more than `smallUploadBytes`, before any further bytes are returned.
 * @throws AppError unsupported_media_type (another encoding), body_too_large (too many unpacked bytes, or too high a
 * compression ratio), request_timeout (nothing arrived for `uploadStallMs`, less than the minimum rate arrived in that
 * time, or the upload took `maximumUploadMs`), invalid_request (gzip is incomplete; the connection broke), and the
 * errors of `onLarge`
 */
export async function* uploadBytes(
  raw: IncomingMessage,
  limits: UploadLimits,
  clock: Clock,
  onLarge: () => void,
): AsyncGenerator<Buffer, void, void> {
  const { maximumUploadBytes, maximumUploadRatio, smallUploadBytes } = limits;
  const isPacked = isGzip(raw);
  const declared = Number(raw.headers['content-length'] ?? 0);
  if (!isPacked && declared > maximumUploadBytes) throw tooLarge(maximumUploadBytes);
  let isLarge = declared > smallUploadBytes;
  if (isLarge) onLarge();
  const reading = new AbortController();
  let packedBytes = 0;
  const received = receive(raw, new Pace(limits, clock), reading.signal, (count) => {
    packedBytes += count;
  });
  let bytes = 0;
  try {
    for await (const chunk of isPacked ? unpack(received) : received) {
      bytes += chunk.length;
      if (bytes > maximumUploadBytes) throw tooLarge(maximumUploadBytes);
      if (isPacked && bytes > FREE_BYTES && bytes > packedBytes * maximumUploadRatio)
        throw tooPacked(maximumUploadRatio);
      if (!isLarge && bytes > smallUploadBytes) {
        isLarge = true;
        onLarge();
      }
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
    }
  } catch (error) {
    if (!/^Z_/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    throw new AppError('invalid_request', 'the body is not valid or not complete gzip', { cause: error });
  } finally {
    reading.abort();
  }
}

/**
 * Measures the rate of a sender. The rate is measured only over the time spent waiting for the sender. The maximum
 * duration applies to the total time.
 */
class Pace {
  readonly #limits: UploadLimits;
  readonly #clock: Clock;
  readonly #deadline: number;
  /** Milliseconds spent waiting for the sender in the current measurement window. */
  #waitedMs = 0;
  #bytes = 0;

  constructor(limits: UploadLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#deadline = clock.elapsed() + limits.maximumUploadMs;
  }

  /** Waits for the next data by calling `wait` with the maximum time and the error for exceeding it. */
  async waitFor(wait: (ms: number, late: AppError) => Promise<void>): Promise<void> {
    const { uploadStallMs, maximumUploadMs } = this.#limits;
    const start = this.#clock.elapsed();
    const left = Math.max(0, this.#deadline - start);
    const isStall = uploadStallMs <= left;
    const message = isStall
      ? `no part of the body arrived for ${uploadStallMs} ms`
      : `an upload may take at most ${maximumUploadMs} ms`;
    await wait(isStall ? uploadStallMs : left, new AppError('request_timeout', message));
    this.#waitedMs += this.#clock.elapsed() - start;
  }

  /**
   * Counts bytes that have arrived.
   * @throws AppError request_timeout if too few arrived in a window of `uploadStallMs`, or if the upload takes too long
   */
  count(bytes: number): void {
    const { uploadStallMs, minimumUploadBytesPerSecond, maximumUploadMs } = this.#limits;
    if (this.#clock.elapsed() > this.#deadline) {
      throw new AppError('request_timeout', `an upload may take at most ${maximumUploadMs} ms`);
    }
    this.#bytes += bytes;
    if (this.#waitedMs < uploadStallMs) return;
    if (this.#bytes < (minimumUploadBytesPerSecond * this.#waitedMs) / 1000) {
      const message = `an upload must send at least ${minimumUploadBytesPerSecond} bytes per second`;
      throw new AppError('request_timeout', message);
    }
    this.#waitedMs = 0;
    this.#bytes = 0;
  }
}

function isGzip(raw: IncomingMessage): boolean {
  const encoding = (raw.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return false;
  if (encoding === 'gzip' || encoding === 'x-gzip') return true;
  throw new AppError('unsupported_media_type', 'an upload must have the content encoding gzip or none', {
    details: [{ pointer: 'content-encoding', value: encoding, message: 'gzip or no encoding is expected' }],
  });
}

function unpack(packed: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  // `pipeline` destroys both streams if either fails, and passes the error to the reader of `gunzip`
  pipeline(packed, gunzip, () => {});
  return gunzip;
}

/** Yields chunks in the order of arrival. The request is never destroyed, because a refusal still needs a response. */
async function* receive(
  raw: IncomingMessage,
  pace: Pace,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer, void, void> {
  while (!signal.aborted) {
    const chunk = raw.read() as Buffer | null;
    if (chunk !== null) {
      pace.count(chunk.length);
      onBytes(chunk.length);
      yield chunk;
    } else if (raw.readableEnded) return;
    else if (raw.destroyed) throw broken();
    else await pace.waitFor((ms, late) => more(raw, ms, late, signal));
  }
}

/**
 * Resolves when data can be read or no more data will arrive; rejects with `late` after `ms`. Its listeners are removed
 * in both cases.
 */
function more(raw: IncomingMessage, ms: number, late: AppError, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: AppError | null) => {
      clearTimeout(timer);
      raw.off('readable', go).off('end', go).off('close', end).off('error', end);
      signal.removeEventListener('abort', go);
      if (error === null) resolve();
      else reject(error);
    };
    const go = () => settle(null);
    const end = () => settle(raw.readableEnded ? null : broken());
    const timer = setTimeout(() => settle(late), ms);
    raw.on('readable', go).on('end', go).on('close', end).on('error', end);
    signal.addEventListener('abort', go);
  });
}

function broken(): AppError {
  return new AppError('invalid_request', 'the connection ended before the body did');
}

function tooLarge(limit: number): AppError {
  const message = `an upload may have at most ${limit} bytes, unpacked`;
  return new AppError('body_too_large', message, { details: [{ pointer: '', limit, message }] });
}

function tooPacked(limit: number): AppError {
  const message = `an upload may unpack to at most ${limit} times its size: send it with less compression, or uncompressed`;
  return new AppError('body_too_large', message, { details: [{ pointer: '', limit, message }] });
}
