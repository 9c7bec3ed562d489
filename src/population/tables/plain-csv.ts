/** Whether a CSV file means the same to DuckDB as to the grammar of `src/lib/csv-reader.ts`. */
import { readBytes } from '../../dataset/lines.ts';
import { type CsvShape, MAXIMUM_RECORD_BYTES } from './csv-lines.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * True where each quote encloses a whole field or is doubled, each field is closed, and no row has an empty field too
 * many: DuckDB also takes a quote within an unquoted field, spaces around a quoted one, and one more separator at a
 * line's end. False where that is not sure. Looks at quotes and at lines that end in a separator alone; memory is a
 * chunk and a line. Errors: the environment's own.
 */
export async function isPlainCsv({ path, delimiter, columns }: CsvShape): Promise<boolean> {
  const separator = delimiter.charCodeAt(0);
  const quotes = new Quotes(separator);
  const ends = [Buffer.from([separator, LF]), Buffer.from([separator, CR])];
  for await (const lines of wholeLines(readBytes(path))) {
    if (lines.length > MAXIMUM_RECORD_BYTES || !quotes.arePlain(lines)) return false;
    for (const end of ends) {
      for (let at = lines.indexOf(end); at >= 0; at = lines.indexOf(end, at + 1))
        if (!isRow(lines.subarray(lines.lastIndexOf(LF, at - 1) + 1, at + 1), separator, columns.length)) return false;
    }
  }
  return !quotes.isOpen;
}

/** Follows quotes over whole lines that begin with the LF before them. */
class Quotes {
  isOpen = false;
  #isSecond = false;
  readonly #separator: number;

  constructor(separator: number) {
    this.#separator = separator;
  }

  arePlain(lines: Buffer): boolean {
    for (let at = lines.indexOf(QUOTE); at >= 0; at = lines.indexOf(QUOTE, at + 1)) {
      const [before, after] = [lines[at - 1]!, lines[at + 1]!];
      if (this.#isSecond) this.#isSecond = false;
      else if (!this.isOpen) {
        if (before !== this.#separator && before !== LF) return false;
        this.isOpen = true;
      } else if (after === QUOTE) this.#isSecond = true;
      else if (after === this.#separator || after === LF || after === CR) this.isOpen = false;
      else return false;
    }
    return true;
  }
}

/** Whether a line has as many fields as there are columns; false where quotes may hide separators. */
function isRow(line: Buffer, separator: number, columns: number): boolean {
  if (line.includes(QUOTE)) return false;
  let fields = 1;
  for (let at = line.indexOf(separator); at >= 0; at = line.indexOf(separator, at + 1)) fields += 1;
  return fields <= columns;
}

/** Whole lines behind the LF before them. */
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
