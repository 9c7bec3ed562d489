/**
 * Reads the records of CSV (RFC 4180) from lines, with csv-parse. All CSV that the service reads follows this grammar.
 * White space belongs to a field. Quotes enclose a whole field, in which quotes are doubled and line ends are kept.
 * Lines end in LF or CRLF, in any mixture. An empty line is not a record.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { type LineBatch, withoutReturn } from './lines.ts';

/**
 * Why a record cannot be read: an unclosed quote, text after a closing quote, a quote in an unquoted field, or too many
 * bytes.
 */
export type CsvFault = 'not_closed' | 'text_after_quote' | 'quote_in_field' | 'too_long';

/** A sentence for each fault. */
export const CSV_FAULTS: Readonly<Record<Exclude<CsvFault, 'too_long'>, string>> = {
  not_closed: 'a quoted field is not closed',
  text_after_quote: 'a quoted field is followed by text before the separator',
  quote_in_field: 'an unquoted field contains a quote; quote the field, and double the quotes in it',
};

export interface CsvReading {
  /** The field separator: one or more characters other than quotes; a comma by default. */
  readonly delimiter?: string;
  /** Maximum number of bytes in a record with quotes. Memory holds one batch of lines and one such record. */
  readonly maximumRecordBytes: number;
  /** Called with the fields of each record and the number of its first line. */
  readonly take: (fields: readonly string[], line: number) => void;
  /**
   * Called for a record that begins at `line` and cannot be read. Unless this callback throws, reading continues after
   * the record.
   */
  readonly refuse: (fault: CsvFault, line: number) => void;
}

const QUOTE = '"';
/**
 * Number of lines with quotes that are parsed at once. If a record continues beyond these lines, more lines are parsed
 * at once.
 */
const RUN_LINES = 256;

/** Reads the lines of a file in order. The lines may end in the `\r` of a CRLF. */
export class CsvReader {
  readonly #delimiter: string;
  readonly #reading: CsvReading;
  /** The lines of an unfinished record that have been read so far. */
  #open: readonly string[] = [];
  #openLine = 1;

  constructor(reading: CsvReading) {
    this.#delimiter = reading.delimiter ?? ',';
    this.#reading = reading;
  }

  /** Whether the next line continues an unfinished record. */
  get isInside(): boolean {
    return this.#open.length > 0;
  }

  read({ firstLine, lines }: LineBatch): void {
    const open = this.#open.length;
    this.#read(open === 0 ? lines : [...this.#open, ...lines], firstLine - open, open);
  }

  /** Ends the file. An unfinished record is refused. */
  end(): void {
    while (this.#open.length > 0) {
      const lines = this.#open;
      const next = this.#readRun(lines, 0, lines.length, this.#openLine);
      this.#read(lines.slice(next), this.#openLine + next, 0);
    }
  }

  /** Reads lines. The first `open` lines belong to an unfinished record. */
  #read(lines: readonly string[], firstLine: number, open: number): void {
    const { take, refuse, maximumRecordBytes } = this.#reading;
    this.#open = [];
    for (let at = 0, scanned = open; at < lines.length; scanned = at) {
      const simple = scanned > at ? null : splitSimple(withoutReturn(lines[at]!), this.#delimiter);
      if (simple !== null) {
        if (simple.length > 0) take(simple, firstLine + at);
        at += 1;
        continue;
      }
      const end = findRunEnd(lines, at, scanned);
      if (end > at) {
        at = this.#readRun(lines, at, end, firstLine);
        continue;
      }
      if (bytesOf(lines, at, lines.length, maximumRecordBytes) <= maximumRecordBytes) {
        this.#open = lines.slice(at);
        this.#openLine = firstLine + at;
        return;
      }
      const fault = this.#faultOf(lines.slice(at));
      refuse(fault === 'not_closed' ? 'too_long' : fault, firstLine + at);
      at = fault === 'quote_in_field' ? at + 1 : lines.length;
    }
  }

  /**
   * Reads the records of `lines[from .. to)` up to the first refused record. Returns the index of the line after the
   * last record that was read or refused.
   */
  #readRun(lines: readonly string[], from: number, to: number, firstLine: number): number {
    const { take, refuse, maximumRecordBytes } = this.#reading;
    const isLong = bytesOf(lines, from, to, maximumRecordBytes) > maximumRecordBytes;
    let at = from;
    const fault = parseText(`${lines.slice(from, to).join('\n')}\n`, this.#delimiter, (fields) => {
      const next = at + 1 + countLineEnds(fields);
      if (isLong && bytesOf(lines, at, next, maximumRecordBytes) > maximumRecordBytes)
        refuse('too_long', firstLine + at);
      else take(fields, firstLine + at);
      at = next;
    });
    if (fault === null) return to;
    refuse(fault, firstLine + at);
    if (fault === 'quote_in_field') return at + 1;
    return fault === 'not_closed' ? to : findRecordEnd(lines, at, to);
  }

  #faultOf(lines: readonly string[]): CsvFault {
    return parseText(`${lines.join('\n')}\n`, this.#delimiter, () => {}) ?? 'not_closed';
  }
}

/** Parses one record, which may contain line ends within quotes and at its end. */
export function parseCsvRecord(text: string, delimiter = ','): readonly string[] | CsvFault {
  let record: readonly string[] | null = null;
  const fault = parseText(`${withoutReturn(text)}\n`, delimiter, (fields) => {
    record ??= fields;
  });
  return fault ?? record ?? [''];
}

/** Finds the text of the first record and the number of its first line; null if there is no record. */
export async function findFirstRecord(
  batches: AsyncIterable<LineBatch>,
): Promise<{ readonly text: string; readonly line: number } | null> {
  const record: string[] = [];
  let isOpen = false;
  let begins = 1;
  for await (const { firstLine, lines } of batches) {
    for (const [i, line] of lines.entries()) {
      if (!isOpen && withoutReturn(line) === '') continue;
      if (!isOpen) begins = firstLine + i;
      record.push(line);
      if (hasOddQuotes(line)) isOpen = !isOpen;
      if (!isOpen) return { text: withoutReturn(record.join('\n')), line: begins };
    }
  }
  return record.length === 0 ? null : { text: withoutReturn(record.join('\n')), line: begins };
}

/** Parses whole lines, and calls `take` with each record up to the first fault. */
function parseText(text: string, delimiter: string, take: (fields: string[]) => void): CsvFault | null {
  try {
    parse(text, {
      delimiter,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n'],
      on_record: (fields: string[]) => {
        take(fields);
        return null;
      },
    });
    return null;
  } catch (error) {
    const fault = error instanceof CsvError ? FAULTS[error.code] : undefined;
    if (fault === undefined) throw error;
    return fault;
  }
}

const FAULTS: Readonly<Record<string, CsvFault>> = {
  INVALID_OPENING_QUOTE: 'quote_in_field',
  CSV_INVALID_CLOSING_QUOTE: 'text_after_quote',
  CSV_QUOTE_NOT_CLOSED: 'not_closed',
};

/**
 * Returns the fields of a simple line, in which quotes only enclose whole fields; an empty array for an empty line;
 * null for any other line. Nearly every line is simple, and csv-parse takes ten times as long.
 */
function splitSimple(line: string, delimiter: string): string[] | null {
  if (!line.includes(QUOTE)) return line === '' ? [] : line.split(delimiter);
  const fields: string[] = [];
  for (let at = 0; ; ) {
    const isQuoted = line[at] === QUOTE;
    const found = isQuoted ? line.indexOf(QUOTE, at + 1) : line.indexOf(delimiter, at);
    if (isQuoted && found < 0) return null;
    const end = found < 0 ? line.length : found;
    const field = line.slice(isQuoted ? at + 1 : at, end);
    if (!isQuoted && field.includes(QUOTE)) return null;
    fields.push(field);
    at = isQuoted ? end + 1 : end;
    if (at === line.length) return fields;
    if (!line.startsWith(delimiter, at)) return null;
    at += delimiter.length;
  }
}

/**
 * The index of the line after the complete records with quotes that begin at `at`. Lines before `scanned` belong to an
 * unfinished record.
 */
function findRunEnd(lines: readonly string[], at: number, scanned: number): number {
  let end = at;
  let isOpen = scanned > at;
  for (let i = Math.max(at, scanned); i < lines.length; i++) {
    if (!isOpen && (i - at >= RUN_LINES || !lines[i]!.includes(QUOTE))) break;
    if (hasOddQuotes(lines[i]!)) isOpen = !isOpen;
    if (!isOpen) end = i + 1;
  }
  return end;
}

function findRecordEnd(lines: readonly string[], at: number, to: number): number {
  let isOpen = false;
  for (let i = at; i < to; i++) {
    if (hasOddQuotes(lines[i]!)) isOpen = !isOpen;
    if (!isOpen) return i + 1;
  }
  return to;
}

/** The number of bytes in `lines[from .. to)`, or an upper bound if that bound is within `limit`. */
function bytesOf(lines: readonly string[], from: number, to: number, limit: number): number {
  let characters = 0;
  for (let i = from; i < to; i++) characters += lines[i]!.length + 1;
  // a UTF-16 code unit takes at most three bytes in UTF-8
  if (3 * characters <= limit) return 3 * characters;
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += Buffer.byteLength(lines[i]!) + 1;
  return bytes;
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf(QUOTE); at >= 0; at = text.indexOf(QUOTE, at + 1)) isOdd = !isOdd;
  return isOdd;
}

function countLineEnds(fields: readonly string[]): number {
  let count = 0;
  for (const field of fields) for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) count += 1;
  return count;
}
