/** The body of an upload as bytes: unpacked, counted, a piece at a time and no faster than they are taken; a sender that stalls is given up. */
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError } from '../lib/errors.ts';
import type { ServerConfig } from './config.ts';

/** What is decoded, split and sorted between two turns of the event loop. */
const PIECE_BYTES = 64 * 1024;

/**
 * The bytes of a body, without its `Content-Encoding` (gzip, or none).
 * @throws AppError unsupported_media_type (another encoding), body_too_large (after unpacking), request_timeout (nothing came for
 * `uploadStallMs`), invalid_request (not whole gzip; the connection broke)
 */
export async function* uploadBytes(
  raw: IncomingMessage,
  { maximumUploadBytes, uploadStallMs }: Pick<ServerConfig, 'maximumUploadBytes' | 'uploadStallMs'>,
): AsyncGenerator<Buffer, void, void> {
  const isPacked = isGzip(raw);
  if (!isPacked && Number(raw.headers['content-length'] ?? 0) > maximumUploadBytes) throw tooLarge(maximumUploadBytes);
  const reading = new AbortController();
  const received = receive(raw, uploadStallMs, reading.signal);
  let bytes = 0;
  try {
    for await (const chunk of isPacked ? unpack(received) : received) {
      bytes += chunk.length;
      if (bytes > maximumUploadBytes) throw tooLarge(maximumUploadBytes);
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
    }
  } catch (error) {
    if (!/^Z_/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    throw new AppError('invalid_request', 'the body is not gzip, or not all of it', { cause: error });
  } finally {
    reading.abort();
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
async function* receive(
  raw: IncomingMessage,
  stallMs: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  while (!signal.aborted) {
    const chunk = raw.read() as Buffer | null;
    if (chunk !== null) yield chunk;
    else if (raw.readableEnded) return;
    else if (raw.destroyed) throw broken();
    else await more(raw, stallMs, signal);
  }
}

/** Settles when there is something to read, or nothing will come any more; leaves no listener behind. */
function more(raw: IncomingMessage, stallMs: number, signal: AbortSignal): Promise<void> {
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
    const timer = setTimeout(() => settle(stalled(stallMs)), stallMs);
    raw.on('readable', go).on('end', go).on('close', end).on('error', end);
    signal.addEventListener('abort', go);
  });
}

function broken(): AppError {
  return new AppError('invalid_request', 'the connection ended before the body did');
}

function stalled(stallMs: number): AppError {
  return new AppError('request_timeout', `nothing of the body came for ${stallMs} ms`);
}

function tooLarge(limit: number): AppError {
  const message = `an upload may have at most ${limit} bytes, unpacked`;
  return new AppError('body_too_large', message, { details: [{ pointer: '', limit, message }] });
}
