/** Cuts text that comes in pieces into rows: lines, records of CSV (RFC 4180), or objects of JSON lines. */

export const SEPARATORS = {
  none: 'One id a line',
  ',': 'Comma',
  ';': 'Semicolon',
  '\t': 'Tab',
  '|': 'Vertical bar',
  json: 'JSON lines',
} as const;

export type Separator = keyof typeof SEPARATORS;

/** A record may be that long, as on the service: beyond it, a quote was not closed. */
const MOST_RECORD_CHARACTERS = 64 * 1024;

/** The file is not what it seems; the message says where. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableError';
  }
}

export interface Splitter {
  /** The rows that are complete with this piece. @throws UnreadableError */
  push(text: string): string[][];
  /** The last row, where no line break follows it. @throws UnreadableError */
  end(): string[][];
}

export function splitterOf(how: { readonly separator: Separator; readonly fields: readonly string[] }): Splitter {
  const lines = lineSplitter();
  const read = ROWS[how.separator === 'none' || how.separator === 'json' ? how.separator : 'table'](how);
  return {
    push: (text) => lines.push(text).flatMap(read.row),
    end: () => [...lines.end().flatMap(read.row), ...read.end()],
  };
}

/** Rows of one line: none, while a record goes on. */
interface Rows {
  row(line: string): string[][];
  end(): string[][];
}

type How = Parameters<typeof splitterOf>[0];

const ROWS: Readonly<Record<'none' | 'json' | 'table', (how: How) => Rows>> = {
  none: () => ({ row: (line) => (line === '' ? [] : [[line]]), end: () => [] }),
  json: ({ fields }) => ({ row: (line) => (line.trim() === '' ? [] : [jsonRow(line, fields)]), end: () => [] }),
  table: ({ separator }) => tableRows(separator),
};

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

function tableRows(separator: string): Rows {
  let open: string | null = null;
  const row = (line: string): string[][] => {
    if (open === null && !line.includes('"')) return line === '' ? [] : [line.split(separator)];
    const record: string = open === null ? line : `${open}\n${line}`;
    if (record.length > MOST_RECORD_CHARACTERS)
      throw new UnreadableError(`A quote is opened and never closed: ${record.slice(0, 60)}`);
    open = record.split('"').length % 2 === 0 ? record : null;
    return open === null ? [quotedFields(record, separator)] : [];
  };
  const end = () => {
    if (open !== null) throw new UnreadableError(`A quote is opened and never closed: ${open.slice(0, 60)}`);
    return [];
  };
  return { row, end };
}

/** Fields of a record; in quotes, a quote is doubled. What stands around the quotes is taken as it is. */
function quotedFields(record: string, separator: string): string[] {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let at = 0; at < record.length; at++) {
    const character = record[at]!;
    if (character === '"') {
      if (isQuoted && record[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = !isQuoted;
    } else if (character === separator && !isQuoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field];
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
