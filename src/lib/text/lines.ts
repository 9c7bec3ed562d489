/** Splits a byte stream in strict UTF-8 into lines. Memory holds one chunk and one line. */
import { isUtf8 } from 'node:buffer';
import { type ForeignFile, findForeignFile, HEAD_BYTES } from '../files/foreign-files.ts';

/** Consecutive lines without their `\n`. A `\r` before the `\n` is not removed. */
export interface LineBatch {
  /** The 1-based number of `lines[0]`. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** Consecutive lines in valid UTF-8. */
export interface LineBlock {
  /** The 1-based number of the first line. */
  readonly firstLine: number;
  readonly bytes: Buffer;
  /** Where each line ends in `bytes`, without its `\n`; the next line begins one byte later. */
  readonly ends: readonly number[];
}

/** Why reading ends early: the file is not UTF-8 text, or a line is not UTF-8 or is too long. */
export type LineFault = ForeignFile | 'not_utf_8' | 'too_long';

export interface LineLimits {
  /** Maximum number of bytes in a line that spans several chunks. */
  readonly maximumBytes: number;
  /** Creates the error for a line that ends the reading. */
  readonly refuse: (line: number, fault: LineFault) => Error;
  /**
   * Returns whether the reader ignores blank lines at this point. If so, long runs of blank lines are skipped, and are
   * only counted.
   */
  readonly skipsBlank?: () => boolean;
}

/**
 * The shortest run of blank lines that is searched for and skipped. For a shorter run, the search would cost more than
 * the array entries of the lines.
 */
const BLANK_RUN = Buffer.alloc(256, '\n');

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Yields a batch of lines per chunk, or several batches if blank lines are skipped. A byte order mark at the start is
 * dropped. The last line may lack its `\n`. Empty lines are returned as ''.
 */
export function splitLines(bytes: AsyncIterable<Buffer>, limits: LineLimits): AsyncGenerator<LineBatch, void, void> {
  return split(bytes, limits, decodeLines, ({ lines }) => lines.length);
}

/** Like `splitLines`, but yields the bytes of the lines. */
export function splitBlocks(bytes: AsyncIterable<Buffer>, limits: LineLimits): AsyncGenerator<LineBlock, void, void> {
  const read = (text: Buffer, firstLine: number) => ({ firstLine, bytes: text, ends: findEnds(text) });
  return split(bytes, limits, read, ({ ends }) => ends.length);
}

async function* split<T>(
  bytes: AsyncIterable<Buffer>,
  { maximumBytes, refuse, skipsBlank }: LineLimits,
  read: (text: Buffer, firstLine: number) => T,
  count: (batch: T) => number,
): AsyncGenerator<T, void, void> {
  let firstLine = 1;
  let isStart = true;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const add = (part: Buffer) => {
    pending.push(part);
    pendingBytes += part.length;
  };
  const checkStart = () => {
    const foreign = isStart ? findForeignFile(Buffer.concat(pending, Math.min(pendingBytes, HEAD_BYTES))) : null;
    if (foreign !== null) throw refuse(1, foreign);
  };
  const batchOf = (text: Buffer): T => {
    const batch = read(text, firstLine);
    firstLine += count(batch);
    return batch;
  };
  function* take(): Generator<T, void, void> {
    checkStart();
    const block = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    let text = isStart && startsWith(block, BYTE_ORDER_MARK) ? block.subarray(BYTE_ORDER_MARK.length) : block;
    isStart = false;
    if (!isUtf8(text)) throw refuse(firstLine + findInvalidLine(text), 'not_utf_8');
    while (skipsBlank !== undefined) {
      const run = text.indexOf(BLANK_RUN);
      if (run < 0) break;
      // the lines before the blank lines, including the end of the last line, form a separate batch, because the reader
      // must process these lines before it knows whether blank lines matter
      if (run > 0) yield batchOf(text.subarray(0, run + 1));
      text = text.subarray(run > 0 ? run + 1 : 0);
      if (!skipsBlank()) break;
      let blank = 0;
      while (text[blank] === NEWLINE) blank += 1;
      firstLine += blank;
      text = text.subarray(blank);
    }
    if (text.length > 0) yield batchOf(text);
  }
  for await (const chunk of bytes) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      add(chunk.subarray(0, end));
      yield* take();
    }
    if (end === chunk.length) continue;
    add(chunk.subarray(end));
    if (pendingBytes <= maximumBytes) continue;
    checkStart();
    throw refuse(firstLine, 'too_long');
  }
  if (pending.length > 0) yield* take();
}

/** The lines in the bytes of a block. */
export function decodeLines(bytes: Buffer, firstLine: number): LineBatch {
  const lines = bytes.toString('utf8').split('\n');
  if (bytes.at(-1) === NEWLINE) lines.pop();
  return { firstLine, lines };
}

/** Returns the line without the `\r` of a CRLF. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function findEnds(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) ends.push(at);
  if (bytes.at(-1) !== NEWLINE) ends.push(bytes.length);
  return ends;
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start);
}

/**
 * The 0-based number of the first line that is not UTF-8. Lines can be checked one at a time, because 0x0a is never
 * part of a multi-byte sequence.
 */
function findInvalidLine(bytes: Buffer): number {
  for (let line = 0, from = 0; ; line++) {
    const end = bytes.indexOf(NEWLINE, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return line;
    from = end + 1;
  }
}
