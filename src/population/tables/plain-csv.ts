/** Checks whether DuckDB reads a CSV file in the same way as the grammar of `src/lib/text/csv-reader.ts`. */
import { readBytes } from '../../dataset/lines.ts';
import { type CsvShape, MAXIMUM_RECORD_BYTES } from './csv-lines.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * True if each quote encloses a whole field or is doubled, each quoted field is closed, and no row has too many fields.
 * DuckDB also accepts quotes within unquoted fields, spaces around quoted fields, and an extra separator at the end of
 * a line. Memory: one chunk and one line. Errors: errors of the file system.
 */
export async function isPlainCsv({ path, delimiter, columns }: CsvShape): Promise<boolean> {
  const scan = new Scan(delimiter.charCodeAt(0), columns.length);
  for await (const lines of wholeLines(readBytes(path)))
    if (lines.length > MAXIMUM_RECORD_BYTES || !scan.isPlain(lines)) return false;
  return !scan.isOpen;
}

/** Tracks quotes and fields over complete lines, each with the LF before it. */
class Scan {
  isOpen = false;
  #isSecond = false;
  #fields = 1;
  readonly #separator: number;
  readonly #columns: number;

  constructor(separator: number, columns: number) {
    this.#separator = separator;
    this.#columns = columns;
  }

  isPlain(lines: Uint8Array): boolean {
    const separator = this.#separator;
    let [isOpen, isSecond, fields] = [this.isOpen, this.#isSecond, this.#fields];
    for (let at = 1; at < lines.length; at++) {
      const byte = lines[at]!;
      if (byte === QUOTE) {
        const [before, after] = [lines[at - 1]!, lines[at + 1]!];
        if (isSecond) isSecond = false;
        else if (!isOpen) {
          if (before !== separator && before !== LF) return false;
          isOpen = true;
        } else if (after === QUOTE) isSecond = true;
        else if (after === separator || after === LF || after === CR) isOpen = false;
        else return false;
      } else if (isOpen) continue;
      else if (byte === separator) fields += 1;
      else if (byte === LF) {
        if (fields > this.#columns) return false;
        fields = 1;
      }
    }
    [this.isOpen, this.#isSecond, this.#fields] = [isOpen, isSecond, fields];
    return true;
  }
}

/** Complete lines, each with the LF before it. */
async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const end = Buffer.from([LF]);
  let rest = end;
  let isStart = true;
  for await (const chunk of chunks) {
    const isMarked = isStart && chunk.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    isStart = false;
    const bytes = Buffer.concat([rest, isMarked ? chunk.subarray(BYTE_ORDER_MARK.length) : chunk]);
    const last = bytes.lastIndexOf(LF);
    rest = Buffer.from(bytes.subarray(last));
    yield last > 0 || rest.length <= MAXIMUM_RECORD_BYTES ? bytes.subarray(0, last + 1) : bytes;
  }
  yield Buffer.concat([rest, end]);
}
