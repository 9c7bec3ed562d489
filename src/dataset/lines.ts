/** Streams the lines of a text file, plain or gzip, as strict UTF-8; every refusal names file:line. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError, type ErrorDetail, messageOf } from '../lib/errors.ts';

export interface LineLimits {
  /** Longest line, in bytes without its end. */
  readonly maximumLineBytes: number;
}

export const LINE_LIMITS: LineLimits = { maximumLineBytes: 16 * 1024 * 1024 };

/** How much is read and decoded at a time; also the size of a batch of lines. */
const CHUNK_BYTES = 1024 * 1024;

/** Consecutive lines of a file, without their ends. */
export interface LineBatch {
  /** The 1-based number of `lines[0]`. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** The AppError `invalid_data` that names file:line. */
export function lineError(
  path: string,
  line: number,
  message: string,
  more: Omit<ErrorDetail, 'pointer' | 'message'> & { readonly cause?: unknown } = {},
): AppError {
  const { cause, ...facts } = more;
  const details = [{ pointer: `${path}:${line}`, message, ...facts }];
  return new AppError('invalid_data', `${path}:${line}: ${message}`, { details, cause });
}

/**
 * Yields the lines of `path` in batches of about a mebibyte. A name that ends in `.gz` is read as gzip. A byte order mark at the start
 * and a carriage return at a line's end are dropped; the last line may lack its end; empty lines are given as ''.
 * Errors (AppError `invalid_data`): a file that can't be read or is not gzip, bytes that are not UTF-8, a line over the limit.
 */
export async function* readLines(
  path: string,
  limits: LineLimits = LINE_LIMITS,
): AsyncGenerator<LineBatch, void, void> {
  const { maximumLineBytes } = limits;
  let firstLine = 1;
  let isStart = true;
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  const take = (block: Buffer): LineBatch => {
    const text = isStart && hasByteOrderMark(block) ? block.subarray(3) : block;
    isStart = false;
    if (!isUtf8(text)) throw lineError(path, firstLine + findInvalidLine(text), 'the line is not valid UTF-8');
    const lines = splitLines(text.toString('utf8'));
    for (let i = 0; i < lines.length; i++) {
      if (isLongerThan(lines[i]!, maximumLineBytes)) throw tooLong(path, firstLine + i, maximumLineBytes);
    }
    const batch = { firstLine, lines };
    firstLine += lines.length;
    return batch;
  };

  try {
    for await (const chunk of openBytes(path)) {
      const end = chunk.lastIndexOf(0x0a) + 1;
      if (end > 0) {
        pending.push(chunk.subarray(0, end));
        yield take(pending.length === 1 ? pending[0]! : Buffer.concat(pending));
        pending = [];
        pendingBytes = 0;
      }
      if (end < chunk.length) {
        pending.push(chunk.subarray(end));
        pendingBytes += chunk.length - end;
        // One more for a carriage return, three for a byte order mark.
        if (pendingBytes > maximumLineBytes + 4) throw tooLong(path, firstLine, maximumLineBytes);
      }
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw lineError(path, firstLine, `the file can't be read from here on: ${messageOf(error)}`, { cause: error });
  }
  if (pending.length > 0) yield take(Buffer.concat(pending));
}

function openBytes(path: string): AsyncIterable<Buffer> {
  const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  if (!path.endsWith('.gz')) return source;
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error of either end destroys the other, and reaches the reader of `gunzip`.
  pipeline(source, gunzip, () => {});
  return gunzip;
}

function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (text.endsWith('\n')) lines.pop();
  if (text.includes('\r')) {
    for (let i = 0; i < lines.length; i++) {
      if (lines[i]!.endsWith('\r')) lines[i] = lines[i]!.slice(0, -1);
    }
  }
  return lines;
}

/** The 0-based line of the first byte sequence that is not UTF-8: no sequence crosses a line's end, as 0x0a is never part of one. */
function findInvalidLine(bytes: Buffer): number {
  let from = 0;
  for (let line = 0; ; line++) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return line;
    from = end + 1;
  }
}

function isLongerThan(line: string, bytes: number): boolean {
  // A UTF-16 unit is at most 3 bytes, so that most lines need no counting.
  return line.length * 3 > bytes && Buffer.byteLength(line) > bytes;
}

function tooLong(path: string, line: number, limit: number): AppError {
  return lineError(path, line, `the line is longer than ${limit} bytes`, { limit });
}
