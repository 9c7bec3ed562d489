/** Columns with a type set by an option: numbers, dates, vectors, words. */

import { DECIMAL } from '../csv-table.ts';
import { MAXIMUM_VECTOR_SIZE } from '../features.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import { type DateOrder, MS_PER_DAY } from '../times.ts';
import { inferDateOrder, parseTime } from './time.ts';

/** Names of columns, by type. */
export interface ColumnTypes {
  readonly numbers: readonly string[];
  readonly dates: readonly string[];
  readonly vectors: readonly string[];
  /** Columns of texts in which each word is a token. */
  readonly words: readonly string[];
  /** Whether numbers use a decimal comma. */
  readonly decimalComma: boolean;
  /** The order of day and month; null to infer the order from each column's values. */
  readonly dateOrder: DateOrder | null;
}

export const NO_TYPES: ColumnTypes = {
  numbers: [],
  dates: [],
  vectors: [],
  words: [],
  decimalComma: false,
  dateOrder: null,
};

/** A value of a typed column in a record of a data set. */
export type TypedValue = number | readonly number[] | readonly string[] | null;

/** How a typed column is read. */
export interface TypedColumn {
  readonly kind: 'number' | 'vector' | 'multi';
  /** Reads a value. Errors: AppError `invalid_data` naming file:line. */
  read(value: Value, path: string, line: number): TypedValue;
}

const MOST_WORDS = 50;

/** Returns how to read a column; null if no option sets the column's type. Errors: the errors of `inferDateOrder`. */
export async function typedColumn(
  source: RowSource,
  column: string,
  types: ColumnTypes,
  separator: string,
): Promise<TypedColumn | null> {
  const { decimalComma } = types;
  if (types.numbers.includes(column))
    return { kind: 'number', read: (value, path, line) => numberOf(value, decimalComma, path, line) };
  if (types.dates.includes(column)) {
    const order = types.dateOrder ?? (await inferDateOrder(source, column));
    const read = (value: Value, path: string, line: number) =>
      value === null ? null : parseTime(value, path, line, order) / MS_PER_DAY;
    return { kind: 'number', read };
  }
  if (types.vectors.includes(column))
    return { kind: 'vector', read: (value, path, line) => vectorOf(value, separator, path, line) };
  return types.words.includes(column) ? { kind: 'multi', read: wordsOf } : null;
}

function numberOf(value: Value, decimalComma: boolean, path: string, line: number): number | null {
  if (value === null) return null;
  const text = typeof value === 'string' ? value.trim() : '';
  const point = decimalComma && !text.includes('.') ? text.replace(',', '.') : text;
  const number = DECIMAL.test(point) ? Number(point) : Number.NaN;
  if (Number.isFinite(Math.fround(number))) return number;
  const hint = !decimalComma && /^-?\d+,\d+$/.test(text) ? ' (--decimal-comma)' : '';
  throw lineError(path, line, `${JSON.stringify(value)} is not a number${hint}`, { value });
}

/** Reads a vector from `[0.1, 0.2]`, from numbers with a separator between them, or from a list. */
function vectorOf(value: Value, separator: string, path: string, line: number): readonly number[] | null {
  if (value === null) return null;
  const list = typeof value === 'string' ? /^\s*\[(.*)\]\s*$/s.exec(value)?.[1] : undefined;
  const parts = typeof value !== 'string' ? value : list === undefined ? value.split(separator) : list.split(',');
  const numbers = parts.map((part) => (DECIMAL.test(part.trim()) ? Number(part) : Number.NaN));
  if (numbers.every((number) => Number.isFinite(Math.fround(number))) && numbers.length <= MAXIMUM_VECTOR_SIZE)
    return numbers;
  const shown = JSON.stringify(String(value).slice(0, 80));
  const message = `${shown} is not a vector such as [0.1, 0.2] or 0.1${separator}0.2`;
  throw lineError(path, line, message, { value: String(value).slice(0, 200) });
}

/** The distinct words of a text, in lower case. */
function wordsOf(value: Value): readonly string[] {
  const texts = typeof value === 'string' ? [value] : (value ?? []);
  const words = texts.flatMap((text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
  return [...new Set(words)].slice(0, MOST_WORDS);
}
