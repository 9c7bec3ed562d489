/** Lines of an upload, in strict UTF-8, and what is wrong with them: each error names its line. */
import { isUtf8 } from 'node:buffer';
import { AppError, type ErrorDetail } from '../lib/errors.ts';

/** Consecutive lines without their `\n`; a `\r` before it is still there. */
export interface UploadLines {
  /** The 1-based number of `lines[0]`. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** Collects what is wrong, up to a limit: then, or at the end, it throws one `invalid_request` with all of it. */
export class LineErrors {
  readonly #maximum: number;
  readonly #details: ErrorDetail[] = [];

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  add(line: number, message: string, facts: Pick<ErrorDetail, 'value' | 'limit'> = {}): void {
    this.#details.push({ pointer: `line ${line}`, message, ...facts });
    if (this.#details.length >= this.#maximum) this.throwIfAny();
  }

  /** For what makes the rest unreadable. */
  fail(line: number, message: string, facts: Pick<ErrorDetail, 'value' | 'limit'> = {}): never {
    this.add(line, message, facts);
    throw this.#error();
  }

  throwIfAny(): void {
    if (this.#details.length > 0) throw this.#error();
  }

  #error(): AppError {
    const first = this.#details[0]!;
    return new AppError('invalid_request', `the body is not valid: ${first.pointer}: ${first.message}`, {
      details: this.#details,
    });
  }
}

/** A byte order mark at the start is dropped; the last line may lack its end. Bytes that are not UTF-8 and a line over the limit end it. */
export async function* uploadLines(
  bytes: AsyncIterable<Buffer>,
  maximumLineBytes: number,
  errors: LineErrors,
): AsyncGenerator<UploadLines, void, void> {
  let firstLine = 1;
  let isStart = true;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const take = (block: Buffer): UploadLines => {
    const text = isStart && block.indexOf(BYTE_ORDER_MARK) === 0 ? block.subarray(BYTE_ORDER_MARK.length) : block;
    if (isStart && UTF16_MARKS.some((mark) => block.indexOf(mark) === 0)) {
      errors.fail(1, 'the file is UTF-16, UTF-8 is expected');
    }
    isStart = false;
    if (!isUtf8(text)) errors.fail(firstLine + findInvalidLine(text), 'the line is not valid UTF-8');
    const lines = text.toString('utf8').split('\n');
    if (text.at(-1) === NEWLINE) lines.pop();
    const taken = { firstLine, lines };
    firstLine += lines.length;
    return taken;
  };
  for await (const chunk of bytes) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      pending.push(chunk.subarray(0, end));
      yield take(Buffer.concat(pending));
      pending = [];
      pendingBytes = 0;
    }
    if (end === chunk.length) continue;
    pending.push(chunk.subarray(end));
    pendingBytes += chunk.length - end;
    if (pendingBytes > maximumLineBytes) {
      errors.fail(firstLine, `a line has at most ${maximumLineBytes} bytes`, { limit: maximumLineBytes });
    }
  }
  if (pending.length > 0) yield take(Buffer.concat(pending));
}

/** The line without the `\r` of a CRLF. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

const NEWLINE = 0x0a;
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The 0-based line of the first byte sequence that is not UTF-8: no sequence crosses a line's end, as 0x0a is never part of one. */
function findInvalidLine(bytes: Buffer): number {
  for (let line = 0, from = 0; ; line++) {
    const end = bytes.indexOf(NEWLINE, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return line;
    from = end + 1;
  }
}
