/**
 * Streams the lines of a text file in strict UTF-8 or Latin-1. The file may be compressed. Every error names file:line.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError, type ErrorDetail, messageOf } from '../lib/errors.ts';
import { FOREIGN_FILES } from '../lib/files/foreign-files.ts';
import {
  decodeLines,
  type LineBatch,
  type LineBlock,
  type LineFault,
  splitBlocks,
  withoutReturn,
} from '../lib/text/lines.ts';
import { unpackZstd } from './zstd.ts';

export interface LineLimits {
  /** Maximum length of a line in bytes, without its line ending. */
  readonly maximumLineBytes: number;
}

/** Encodings of a file. In Latin-1, every byte is valid. */
export const ENCODINGS = ['utf-8', 'latin-1'] as const;

export type Encoding = (typeof ENCODINGS)[number];

export const LINE_LIMITS: LineLimits = { maximumLineBytes: 16 * 1024 * 1024 };

/** Number of bytes to read and decode at a time, and approximate size of a batch of lines. */
const CHUNK_BYTES = 1024 * 1024;
const CARRIAGE_RETURN = 0x0d;

/** Creates an AppError `invalid_data` that names file:line. */
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
 * Yields the lines of `path` in batches of about 1 MiB. A file whose name ends in `.gz` is read as gzip; a file whose
 * name ends in `.zst` is read as Zstandard. A byte order mark at the start and a carriage return at the end of a line
 * are dropped. The last line need not end in a newline. Empty lines are returned as ''. Errors (AppError
 * `invalid_data`): a file that cannot be read or decompressed, bytes that are not UTF-8, a file that is not text, a
 * line over the limit.
 */
export async function* readLines(
  path: string,
  limits: LineLimits = LINE_LIMITS,
  encoding: Encoding = 'utf-8',
): AsyncGenerator<LineBatch, void, void> {
  for await (const { firstLine, lines } of readWholeLines(path, limits, encoding))
    yield { firstLine, lines: lines.map(withoutReturn) };
}

/**
 * Like `readLines`, but keeps the carriage return of a CRLF, which may be part of a CSV field. `shown` is the path that
 * errors show.
 */
export async function* readWholeLines(
  path: string,
  limits: LineLimits = LINE_LIMITS,
  encoding: Encoding = 'utf-8',
  shown: string = path,
): AsyncGenerator<LineBatch, void, void> {
  for await (const { bytes, firstLine } of readBlocks(path, limits, encoding, shown))
    yield decodeLines(bytes, firstLine);
}

/** Yields the blocks whose lines `readWholeLines` yields. Errors: those of `readLines`. */
export async function* readBlocks(
  path: string,
  limits: LineLimits = LINE_LIMITS,
  encoding: Encoding = 'utf-8',
  shown: string = path,
): AsyncGenerator<LineBlock, void, void> {
  const { maximumLineBytes } = limits;
  let next = 1;
  const refuse = (line: number, fault: LineFault) =>
    fault === 'too_long' ? tooLong(shown, line, maximumLineBytes) : lineError(shown, line, describeFault(fault));
  try {
    // the limit allows one extra byte for a carriage return, and three for a byte order mark
    const bytes = encoding === 'utf-8' ? readBytes(path) : decodeLatin1(readBytes(path));
    for await (const block of splitBlocks(bytes, { maximumBytes: maximumLineBytes + 4, refuse })) {
      const long = findLongLine(block, maximumLineBytes);
      if (long >= 0) throw tooLong(shown, block.firstLine + long, maximumLineBytes);
      next = block.firstLine + block.ends.length;
      yield block;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw lineError(shown, next, `the file cannot be read from here on: ${messageOf(error)}`, { cause: error });
  }
}

const NOT_UTF_8 =
  'the line is not valid UTF-8; if it is in Windows-1252, convert the file: iconv -f WINDOWS-1252 -t UTF-8';

function describeFault(fault: Exclude<LineFault, 'too_long'>): string {
  if (fault === 'not_utf_8') return NOT_UTF_8;
  return `the file ${FOREIGN_FILES[fault]}${fault === 'gzip' ? '; its name must end in .gz' : ''}`;
}

/** Converts bytes of Latin-1 to UTF-8. */
async function* decodeLatin1(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of bytes) yield Buffer.from(chunk.toString('latin1'), 'utf8');
}

/**
 * Streams the bytes of a file, decompressed if its name ends in `.gz` or `.zst`. Errors: file-system and decoder
 * errors.
 */
function readBytes(path: string): AsyncIterable<Buffer> {
  const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  if (path.endsWith('.zst')) return unpackZstd(source, CHUNK_BYTES);
  if (!path.endsWith('.gz')) return source;
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // an error in either stream destroys the other stream, and is passed on to the reader of `gunzip`
  pipeline(source, gunzip, () => {});
  return gunzip;
}

/** The index of the first line with more than `maximum` bytes, without the carriage return of a CRLF; -1 if none. */
function findLongLine({ bytes, ends }: LineBlock, maximum: number): number {
  for (let i = 0, start = 0; i < ends.length; i++) {
    const end = ends[i]!;
    if (end - start > maximum + (bytes[end - 1] === CARRIAGE_RETURN ? 1 : 0)) return i;
    start = end + 1;
  }
  return -1;
}

function tooLong(path: string, line: number, limit: number): AppError {
  return lineError(path, line, `the line is longer than ${limit} bytes`, { limit });
}
