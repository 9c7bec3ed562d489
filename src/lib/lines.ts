/** The lines of a stream of bytes, as strict UTF-8; memory is a chunk and a line. */
import { isUtf8 } from 'node:buffer';
import { type ForeignFile, findForeignFile, HEAD_BYTES } from './foreign-files.ts';

/** Consecutive lines without their `\n`; a `\r` before it is still there. */
export interface LineBatch {
  /** The 1-based number of `lines[0]`. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** Why the lines end early: the whole file is no text in UTF-8, or a line is not. */
export type LineFault = ForeignFile | 'not_utf_8' | 'too_long';

export interface LineLimits {
  /** Maximum bytes of a line that spans several chunks. */
  readonly maximumBytes: number;
  /** Creates the error for a line that ends the reading. */
  readonly refuse: (line: number, fault: LineFault) => Error;
}

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Yields one batch per chunk. A byte order mark at the start is dropped; the last line may lack its end; empty lines
 * are returned as ''.
 */
export async function* splitLines(
  bytes: AsyncIterable<Buffer>,
  { maximumBytes, refuse }: LineLimits,
): AsyncGenerator<LineBatch, void, void> {
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
  const take = (): LineBatch => {
    checkStart();
    const block = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    const text = isStart && startsWith(block, BYTE_ORDER_MARK) ? block.subarray(BYTE_ORDER_MARK.length) : block;
    isStart = false;
    if (!isUtf8(text)) throw refuse(firstLine + findInvalidLine(text), 'not_utf_8');
    const lines = text.toString('utf8').split('\n');
    if (text.at(-1) === NEWLINE) lines.pop();
    const batch = { firstLine, lines };
    firstLine += lines.length;
    pending = [];
    pendingBytes = 0;
    return batch;
  };
  for await (const chunk of bytes) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      add(chunk.subarray(0, end));
      yield take();
    }
    if (end === chunk.length) continue;
    add(chunk.subarray(end));
    if (pendingBytes <= maximumBytes) continue;
    checkStart();
    throw refuse(firstLine, 'too_long');
  }
  if (pending.length > 0) yield take();
}

/** The line without the `\r` of a CRLF. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start);
}

/**
 * The 0-based line of the first byte sequence that is not UTF-8: no sequence crosses the end of a line, as 0x0a is
 * never part of one.
 */
function findInvalidLine(bytes: Buffer): number {
  for (let line = 0, from = 0; ; line++) {
    const end = bytes.indexOf(NEWLINE, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return line;
    from = end + 1;
  }
}
