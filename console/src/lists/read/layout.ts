/** Guesses the layout of a file from the beginning: ids are on lines, in a column of a table, or in a field of JSON. */
import { looseRows } from './csv.ts';
import { type Encoding, guessEncoding } from './encoding.ts';
import { type Separator, splitterOf } from './records.ts';

/** Settings for reading a file, which the user may change. */
export interface Layout {
  readonly encoding: Encoding;
  readonly separator: Separator;
  /** Whether the first row contains names. */
  readonly hasHeader: boolean;
  /** Index of the column with the ids. */
  readonly column: number;
  /** Fields of JSON objects in column order. */
  readonly fields: readonly string[];
  /** Whether to remove spaces around ids. */
  readonly trims: boolean;
}

/** The beginning of a file as a table. */
export interface Preview {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const HEAD_BYTES = 64 * 1024;
const SHOWN_ROWS = 5;
/** Maximum number of rows that are used to guess the column. */
const JUDGED_ROWS = 200;
const MOST_FIELDS = 20;
/** Minimum share of rows that have as many fields as the first row. */
const SAME_LENGTH = 0.8;

/** Common names of columns with ids, most likely first. */
const ID_NAMES = [
  /^user[ _-]?id$/i,
  /^(customer|client|member|person|profile|account|contact|crm|subscriber|kunden?)[ _-]?(id|no|nr|nummer|number|key)$/i,
  /^(id|uid|uuid|user|customer|kunde)$/i,
  /[ _-]id$/i,
];

/** Returns the probable layout of a file. If `isLast`, the head is the whole file. */
export function guessLayout(head: Uint8Array, isLast: boolean): Layout {
  const encoding = guessEncoding(head);
  const text = textOf(head, encoding, isLast);
  const separator = guessSeparator(text);
  const fields = separator === 'json' ? namesIn(linesOf(text)) : [];
  const base = { encoding, separator, fields, hasHeader: false, column: 0, trims: false };
  const rows = rowsOf(text, base);
  const [first = []] = rows;
  if (separator === 'json') return { ...base, column: Math.max(0, namedColumn(fields)) };
  const named = namedColumn(first);
  if (named >= 0) return { ...base, hasHeader: true, column: named };
  const hasHeader = first.length > 1 && looksLikeHeader(rows);
  return { ...base, hasHeader, column: likeliestColumn(hasHeader ? rows.slice(1) : rows) };
}

/** Whether the column of the layout is certain, because it is the only column or has a common name. */
export function isSure(preview: Preview, { hasHeader, separator, column }: Layout): boolean {
  if (preview.columns.length <= 1) return true;
  return (hasHeader || separator === 'json') && ID_NAMES.some((name) => name.test(preview.columns[column] ?? ''));
}

/** The columns that may accompany an id; -1 for a column that the file does not have. */
export interface SeedColumns {
  readonly weight: number;
  /** Features of people who may not be in the population, as JSON objects. */
  readonly features: number;
}

export function seedColumns({ columns }: Preview): SeedColumns {
  const find = (wanted: RegExp) => columns.findIndex((name) => wanted.test(name.trim()));
  return { weight: find(/^weight$/i), features: find(/^features$/i) };
}

/** Reads the head of a file as a table with the given layout. */
export function previewOf(head: Uint8Array, isLast: boolean, layout: Layout): Preview {
  const rows = rowsOf(textOf(head, layout.encoding, isLast), layout);
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const names = layout.separator === 'json' ? layout.fields : layout.hasHeader ? (rows[0] ?? []) : [];
  const columns = Array.from({ length: width }, (_, i) => names[i]?.trim() || `Column ${i + 1}`);
  return { columns, rows: (layout.hasHeader ? rows.slice(1) : rows).slice(0, SHOWN_ROWS) };
}

/** Returns the field names in the JSON lines at the beginning of a file. */
export function fieldsOf(head: Uint8Array, encoding: Encoding, isLast: boolean): string[] {
  return namesIn(linesOf(textOf(head, encoding, isLast)));
}

/** Returns the complete lines of the head of a file. */
function textOf(head: Uint8Array, encoding: Encoding, isLast: boolean): string {
  const text = new TextDecoder(encoding).decode(head, { stream: true });
  return isLast ? `${text}\n` : text.slice(0, text.lastIndexOf('\n') + 1) || text;
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.slice(0, JUDGED_ROWS);
}

function rowsOf(text: string, layout: Layout): string[][] {
  const { separator } = layout;
  if (separator !== 'none' && separator !== 'json') return looseRows(text, separator).slice(0, JUDGED_ROWS);
  const lines = linesOf(text);
  try {
    return splitterOf(layout).push(`${lines.join('\n')}\n`);
  } catch {
    return lines.map((line) => [line]);
  }
}

/**
 * Returns the separator with which most rows have as many fields as the first row. If several separators fit, the
 * result is the separator with the most fields. A line break inside quotes does not end a row.
 */
function guessSeparator(text: string): Separator {
  const lines = linesOf(text);
  const [first = ''] = lines;
  if (/^[{"]/.test(first) && isJson(first)) return 'json';
  const fits = ([';', '\t', ',', '|'] as const)
    .map((separator) => ({ separator, rows: looseRows(text, separator).slice(0, JUDGED_ROWS) }))
    .filter(({ rows: [row = [], ...rest] }) => {
      const same = 1 + rest.filter(({ length }) => length === row.length).length;
      return row.length > 1 && same >= SAME_LENGTH * (1 + rest.length);
    })
    .sort((a, b) => b.rows[0]!.length - a.rows[0]!.length);
  const quoted = lines.filter((line) => line.startsWith('"')).length;
  return fits[0]?.separator ?? (quoted >= 0.5 * lines.length ? ',' : 'none');
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return line.startsWith('{') || !line.includes(',');
  } catch {
    return false;
  }
}

function namesIn(lines: readonly string[]): string[] {
  const fields = new Set<string>();
  for (const line of lines) {
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null) for (const name of Object.keys(value)) fields.add(name);
    } catch {
      // invalid lines are ignored here, and reported when the whole file is read
    }
  }
  return [...fields].slice(0, MOST_FIELDS);
}

function namedColumn(names: readonly string[]): number {
  for (const wanted of ID_NAMES) {
    const found = names.findIndex((name) => wanted.test(name.trim()));
    if (found >= 0) return found;
  }
  return -1;
}

/** Whether the first row has no digits, but later rows have digits. */
function looksLikeHeader([first = [], ...rest]: readonly (readonly string[])[]): boolean {
  return first.every((cell) => !/\d/.test(cell)) && rest.some((row) => row.some((cell) => /\d/.test(cell)));
}

/** Returns the column with the most distinct values that do not look like names, dates, amounts or addresses. */
function likeliestColumn(rows: readonly (readonly string[])[]): number {
  const width = rows[0]?.length ?? 1;
  let best = 0;
  let bestScore = -1;
  for (let column = 0; column < width; column++) {
    const values = rows.map((row) => row[column] ?? '').filter(Boolean);
    const plain = values.filter((value) => !/[\s@]|^\d{4}-\d\d-\d\d|^-?\d+[.,]\d\d?$/.test(value)).length;
    const score = (new Set(values).size + plain) / Math.max(1, rows.length);
    if (score > bestScore) [best, bestScore] = [column, score];
  }
  return best;
}
