/** Splits text that arrives in pieces into rows: lines, CSV records (RFC 4180) or JSON Lines objects. */
import { csvRows } from './csv.ts';
import { UnreadableError } from './unreadable.ts';

export const SEPARATORS = {
  none: 'One ID per line',
  ',': 'Comma',
  ';': 'Semicolon',
  '\t': 'Tab',
  '|': 'Vertical bar',
  json: 'JSON Lines',
} as const;

export type Separator = keyof typeof SEPARATORS;

export interface Splitter {
  /**
   * Returns the rows that this piece completes.
   * @throws UnreadableError
   */
  push(text: string): string[][];
  /**
   * Returns the last row if no line break follows the row.
   * @throws UnreadableError
   */
  end(): string[][];
}

export function splitterOf(how: { readonly separator: Separator; readonly fields: readonly string[] }): Splitter {
  const { separator, fields } = how;
  if (separator !== 'none' && separator !== 'json') return csvRows(separator);
  const lines = lineSplitter();
  const rowsOf = (line: string): string[][] => {
    if (line.trim() === '' && (separator === 'json' || line === '')) return [];
    return [separator === 'json' ? jsonRow(line, fields) : [line]];
  };
  return { push: (text) => lines.push(text).flatMap(rowsOf), end: () => lines.end().flatMap(rowsOf) };
}

function jsonRow(line: string, fields: readonly string[]): string[] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UnreadableError(`A line is not JSON: ${line.slice(0, 60)}`);
  }
  if (typeof value !== 'object' || value === null) return [textOf(value)];
  const record = value as Readonly<Record<string, unknown>>;
  return fields.map((name) => textOf(record[name]));
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function lineSplitter() {
  let rest = '';
  const clean = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line);
  return {
    push(text: string): string[] {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      return lines.map(clean);
    },
    end: () => (rest === '' ? [] : [clean(rest)]),
  };
}
