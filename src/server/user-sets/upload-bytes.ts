/**
 * The body of an upload as bytes: unpacked, counted, a piece at a time and no faster than they are taken; a sender that
 * stalls or drips is given up.
 */
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { UserSetLimits } from './limits.ts';

/** What is decoded, split and sorted between two turns of the event loop. */
const PIECE_BYTES = 64 * 1024;

/** What holds for the body of an upload. */
export type UploadLimits = Pick<
  UserSetLimits,
  'maximumUploadBytes' | 'smallUploadBytes' | 'uploadStallMs' | 'minimumUploadBytesPerSecond' | 'maximumUploadMs'
>;

/**
 * The bytes of a body, without its `Content-Encoding` (gzip, or none). `onLarge` is called once it is known to have
 * more than `smallUploadBytes`, before any of those is given.
 * @throws AppError unsupported_media_type (another encoding), body_too_large (after unpacking), request_timeout
 * (nothing came for `uploadStallMs`, or less than the minimum rate in as much time; it took `maximumUploadMs`),
 * invalid_request (not whole gzip; the connection broke), and what `onLarge` throws
 */
export async function* uploadBytes(
  raw: IncomingMessage,
  limits: UploadLimits,
  clock: Clock,
  onLarge: () => void,
): AsyncGenerator<Buffer, void, void> {
  const { maximumUploadBytes, smallUploadBytes } = limits;
  const isPacked = isGzip(raw);
  const declared = Number(raw.headers['content-length'] ?? 0);
  if (!isPacked && declared > maximumUploadBytes) throw tooLarge(maximumUploadBytes);
  let isLarge = declared > smallUploadBytes;
  if (isLarge) onLarge();
  const reading = new AbortController();
  const received = receive(raw, new Pace(limits, clock), reading.signal);
  let bytes = 0;
  try {
    for await (const chunk of isPacked ? unpack(received) : received) {
      bytes += chunk.length;
      if (bytes > maximumUploadBytes) throw tooLarge(maximumUploadBytes);
      if (!isLarge && bytes > smallUploadBytes) {
        isLarge = true;
        onLarge();
      }
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
    }
  } catch (error) {
    if (!/^Z_/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    throw new AppError('invalid_request', 'the body is not gzip, or not all of it', { cause: error });
  } finally {
    reading.abort();
  }
}

/** How fast a sender is: only the time in which it was waited for counts, but for the whole. */
class Pace {
  readonly #limits: UploadLimits;
  readonly #clock: Clock;
  readonly #deadline: number;
  /** Of the window that is being measured. */
  #waitedMs = 0;
  #bytes = 0;

  constructor(limits: UploadLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#deadline = clock.elapsed() + limits.maximumUploadMs;
  }

  /**
   * Waits for what comes next by `wait`, which is given the longest time that it may take and the error that it then
   * ends with.
   */
  async waitFor(wait: (ms: number, late: AppError) => Promise<void>): Promise<void> {
    const { uploadStallMs, maximumUploadMs } = this.#limits;
    const start = this.#clock.elapsed();
    const left = Math.max(0, this.#deadline - start);
    const isStall = uploadStallMs <= left;
    const message = isStall
      ? `nothing of the body came for ${uploadStallMs} ms`
      : `an upload may take at most ${maximumUploadMs} ms`;
    await wait(isStall ? uploadStallMs : left, new AppError('request_timeout', message));
    this.#waitedMs += this.#clock.elapsed() - start;
  }

  /** @throws AppError request_timeout where a window of `uploadStallMs` had too little, or the whole takes too long */
  count(bytes: number): void {
    const { uploadStallMs, minimumUploadBytesPerSecond, maximumUploadMs } = this.#limits;
    if (this.#clock.elapsed() > this.#deadline) {
      throw new AppError('request_timeout', `an upload may take at most ${maximumUploadMs} ms`);
    }
    this.#bytes += bytes;
    if (this.#waitedMs < uploadStallMs) return;
    if (this.#bytes < (minimumUploadBytesPerSecond * this.#waitedMs) / 1000) {
      const message = `an upload has at least ${minimumUploadBytesPerSecond} bytes a second`;
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
  throw new AppError('unsupported_media_type', 'an upload has content encoding gzip, or none', {
    details: [{ pointer: 'content-encoding', value: encoding, message: 'gzip, or none, is expected' }],
  });
}

function unpack(packed: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  // An error of either end destroys the other, and reaches the reader of `gunzip`.
  pipeline(packed, gunzip, () => {});
  return gunzip;
}

/** The chunks as they come. The request is never destroyed: whoever refuses the rest of it still has to answer. */
async function* receive(raw: IncomingMessage, pace: Pace, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  while (!signal.aborted) {
    const chunk = raw.read() as Buffer | null;
    if (chunk !== null) {
      pace.count(chunk.length);
      yield chunk;
    } else if (raw.readableEnded) return;
    else if (raw.destroyed) throw broken();
    else await pace.waitFor((ms, late) => more(raw, ms, late, signal));
  }
}

/**
 * Settles when there is something to read, or nothing will come any more; fails with `late` after `ms`. Leaves no
 * listener behind.
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
