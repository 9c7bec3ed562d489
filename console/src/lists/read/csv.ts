/**
 * Parses CSV with papaparse, restricted to the service's grammar (RFC 4180). papaparse alone would accept quotes inside
 * unquoted fields, spaces after quoted fields, and rows of different lengths.
 */
import { Parser } from 'papaparse';
import { UnreadableError } from './unreadable.ts';

/** Maximum length of a record, as in the service. In a longer record, a quote was not closed. */
const MOST_RECORD_CHARACTERS = 64 * 1024;

/** Splits text that arrives in pieces into rows. Empty lines are skipped. */
export interface CsvRows {
  /**
   * Returns the rows that this piece completes.
   * @throws UnreadableError with the line in which a row begins
   */
  push(text: string): string[][];
  /**
   * Returns the last row if no line break follows the row.
   * @throws UnreadableError
   */
  end(): string[][];
}

export function csvRows(separator: string): CsvRows {
  let rest = '';
  let line = 1;
  let width = 0;
  const read = (text: string): string[][] => {
    const { rows, end } = parse(text, separator);
    const whole = text.slice(0, end);
    const fault = findQuoteFault(whole, separator);
    if (fault !== null) throw faulty(line + countBreaks(whole.slice(0, fault.begin)), fault.message);
    const taken: string[][] = [];
    for (const row of rows) {
      if (isEmpty(row)) {
        line += 1;
        continue;
      }
      if (width === 0) width = row.length;
      if (row.length !== width) throw faulty(line, `the row has ${row.length} fields, but the first row has ${width}`);
      taken.push(row);
      line += 1 + row.reduce((sum, field) => sum + countBreaks(field), 0);
    }
    rest = text.slice(end);
    if (rest.length > MOST_RECORD_CHARACTERS) throw notClosed(line, rest);
    return taken;
  };
  return {
    push: (text) => read(rest + text),
    end: () => {
      if (rest === '') return [];
      const rows = read(`${rest}\n`);
      if (rest !== '') throw notClosed(line, rest);
      return rows;
    },
  };
}

/** Returns the rows at the beginning of a text despite any faults, to guess the layout of the text. */
export function looseRows(text: string, separator: string): string[][] {
  return parse(text, separator).rows.filter((row) => !isEmpty(row));
}

/** Whole rows of a text, and the index where they end. */
function parse(text: string, separator: string): { readonly rows: string[][]; readonly end: number } {
  const parser = new Parser({ delimiter: separator, newline: '\n', quoteChar: '"' });
  const { data, meta } = parser.parse(text, 0, true) as { data: string[][]; meta: { cursor: number } };
  // the CR of a CRLF
  for (const row of data) if (row.at(-1)!.endsWith('\r')) row[row.length - 1] = row.at(-1)!.slice(0, -1);
  return { rows: data, end: meta.cursor };
}

function isEmpty(row: readonly string[]): boolean {
  return row.length === 1 && row[0] === '';
}

/**
 * Finds the first quote in whole rows that neither encloses a whole field nor is doubled, and the index where its row
 * begins.
 */
function findQuoteFault(text: string, separator: string): { readonly begin: number; readonly message: string } | null {
  let isOpen = false;
  let begin = 0;
  let closed = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    if (!isOpen) {
      const lineBegin = text.lastIndexOf('\n', at) + 1;
      if (lineBegin > closed || closed === 0) begin = lineBegin;
      if (at !== lineBegin && text[at - 1] !== separator) return { begin, message: 'there is a quote inside a field' };
      isOpen = true;
    } else if (text[at + 1] === '"') at += 1;
    else if (text[at + 1] === separator || /^(\r?\n|$)/.test(text.slice(at + 1, at + 3))) {
      isOpen = false;
      closed = at;
    } else return { begin, message: 'there is text after a quoted field' };
  }
  return null;
}

function faulty(line: number, what: string): UnreadableError {
  return new UnreadableError(`Line ${line} cannot be read: ${what}. Is the separator right?`);
}

function notClosed(line: number, rest: string): UnreadableError {
  return new UnreadableError(`A quote in line ${line} is never closed: ${rest.slice(0, 60)}`);
}

function countBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
