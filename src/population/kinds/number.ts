/** `number`: one number, or a date as days since 1970. */
import { MS_PER_DAY, parseDays } from '../../dataset/times.ts';
import { type ColumnFacts, FEW, NUMBER } from './column-facts.ts';
import { type ColumnPlan, quoteName, type TableShape, textPlan, typeGroup, typeOf, unusable } from './column-plan.ts';
import {
  type Cell,
  type InferredKind,
  type KindImport,
  type SourceFeature,
  type ValueFormat,
  wrongText,
  wrongValue,
} from './kind-import.ts';

export const number: KindImport = {
  hasSeparator: false,
  formats: ['date', 'date_dmy', 'date_mdy', 'epoch_s', 'epoch_ms', 'decimal_comma'],
  parse,
  parseText,
  plan,
  infer,
};

const EXPECTED = 'a number that float32 can hold, a date (2026-11-25, 2026-11-25T08:00:00Z)';
const WRITTEN_NUMBER = new RegExp(`^${NUMBER}$`);

/**
 * Divisor that converts a number in this format to its stored value; null for formats in which a value is never a
 * number.
 */
const DIVISORS: { readonly [F in ValueFormat]: number | null } = {
  date: null,
  date_dmy: null,
  date_mdy: null,
  epoch_s: 86_400,
  epoch_ms: MS_PER_DAY,
  decimal_comma: 1,
  integer: null,
};

/** In JSON without a format, a string can only be a date, because numbers are not quoted. */
function parse(value: unknown, cell: Cell): void {
  const { format } = cell.feature;
  if (value === null) cell.column.push(Number.NaN);
  else if (typeof value === 'string' && format !== undefined) parseText(value, cell);
  else {
    const read = typeof value === 'string' ? parseDays(value) : value;
    const divisor = format === undefined ? 1 : DIVISORS[format];
    if (divisor === null || (typeof read !== 'number' && format !== undefined))
      throw wrongText(cell, String(value), `its format is ${format}`);
    if (typeof read !== 'number' || !Number.isFinite(Math.fround(read / divisor)))
      throw wrongValue(cell, value, `${EXPECTED} or null`);
    cell.column.push(read / divisor);
  }
}

function parseText(text: string, cell: Cell): void {
  const { format } = cell.feature;
  const read = text === '' ? Number.NaN : readText(text, format);
  if (read === null || (text !== '' && !Number.isFinite(Math.fround(read))))
    throw wrongText(cell, text, format === undefined ? `it must be ${EXPECTED} or empty` : `its format is ${format}`);
  cell.column.push(read);
}

/** Converts a non-empty string to a number or to days since 1970; null if the string is neither a number nor a date. */
function readText(text: string, format: ValueFormat | undefined): number | null {
  switch (format) {
    case undefined:
      return readNumber(text) ?? parseDays(text);
    case 'date':
      return parseDays(text);
    case 'date_dmy':
      return parseDays(text, 'dmy');
    case 'date_mdy':
      return parseDays(text, 'mdy');
    case 'epoch_s':
    case 'epoch_ms': {
      const read = readNumber(text);
      return read === null ? null : read / DIVISORS[format]!;
    }
    case 'decimal_comma':
      return text.includes('.') ? null : readNumber(text.replace(',', '.'));
    case 'integer':
      return null;
  }
}

/** Converts a string to a number; null if the string does not represent a number. */
export function readNumber(text: string): number | null {
  return WRITTEN_NUMBER.test(text) ? Number(text) : null;
}

function plan({ name, column, format }: SourceFeature, shape: TableShape): ColumnPlan {
  const group = typeGroup(typeOf(shape, column, name));
  const raw = quoteName(column);
  switch (group) {
    case 'text':
      return textPlan(column);
    case 'float':
    case 'integer':
    case 'boolean':
      if (format !== undefined && DIVISORS[format] === null)
        throw unusable(shape, column, `it is a number, not text in the format ${format}`);
      return { columns: [column], sql: `${raw}::DOUBLE`, type: 'number' };
    case 'date':
      if (format !== undefined && format !== 'date')
        throw unusable(shape, column, `it is a date, not text in the format ${format}`);
      return { columns: [column], sql: `(epoch_ms(${raw}::TIMESTAMPTZ)::DOUBLE / 86400000::DOUBLE)`, type: 'days' };
    default:
      throw unusable(shape, column, 'it is neither a number nor a date');
  }
}

function infer(facts: ColumnFacts, notes: string[]): InferredKind | null {
  const { type, values, numbers, different } = facts;
  const group = typeGroup(type);
  if (group === 'date' || facts.dates === values)
    return { kind: 'number', ...(group === 'text' ? { format: 'date' as const } : {}) };
  if (group === 'float') return { kind: 'number' };
  if (facts.writtenDates === values) return inferWrittenDate(facts, notes);
  if (numbers === values) {
    if (facts.leadingZeros > 0) return null;
    if (different <= FEW && facts.fractions === 0)
      notes.push('few different whole numbers: use kind single if the numbers are codes, not amounts');
    return { kind: 'number' };
  }
  if (facts.decimalCommas !== values) return null;
  notes.push('numbers with a decimal comma: use kind multi with the separator "," if the values are lists of codes');
  return { kind: 'number', format: 'decimal_comma' };
}

function inferWrittenDate({ daysFirst }: ColumnFacts, notes: string[]): InferredKind {
  if (daysFirst > 0) return { kind: 'number', format: 'date_dmy' };
  notes.push('no value shows whether the day or the month comes first: choose date_dmy or date_mdy');
  return { kind: 'number', format: 'date_mdy' };
}
