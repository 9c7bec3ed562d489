/** `number`: one number, or a date as days since 1970. */
import { ISO_DATE, parseDate } from '../../dataset/dates.ts';
import { parseWrittenDate, WRITTEN_DATE } from '../../dataset/written-dates.ts';
import { type ColumnFacts, FEW, NUMBER } from './column-facts.ts';
import { type ColumnPlan, quoteName, quoteText, type TableShape, typeGroup, typeOf, unusable } from './column-plan.ts';
import {
  type Cell,
  type InferredKind,
  type KindImport,
  type SourceFeature,
  type ValueFormat,
  wrongValue,
} from './kind-import.ts';

export const number: KindImport = {
  hasSeparator: false,
  formats: ['date', 'date_dmy', 'date_mdy', 'epoch_s', 'epoch_ms', 'decimal_comma'],
  decode,
  parse,
  plan,
  infer,
};

const EXPECTED = 'a number that float32 can hold, a date (2026-11-25, 2026-11-25T08:00:00Z)';

function decode(value: unknown, { format }: SourceFeature): unknown {
  if (format === undefined) return value;
  if (value === '') return null;
  return readFormatted(value, format) ?? undefined;
}

function readFormatted(value: unknown, format: ValueFormat): number | null {
  const text = typeof value === 'string' ? value : '';
  switch (format) {
    case 'date':
      return parseDate(text);
    case 'date_dmy':
      return parseWrittenDate(text, 'dmy');
    case 'date_mdy':
      return parseWrittenDate(text, 'mdy');
    case 'epoch_s':
      return typeof value === 'number' ? value / 86_400 : null;
    case 'epoch_ms':
      return typeof value === 'number' ? value / 86_400_000 : null;
    case 'decimal_comma':
      if (typeof value === 'number') return value;
      return /^[+-]?([0-9]+(,[0-9]*)?|,[0-9]+)([eE][+-]?[0-9]+)?$/.test(text) ? Number(text.replace(',', '.')) : null;
    case 'integer':
      return null;
  }
}

function parse(value: unknown, cell: Cell): void {
  if (value === null) {
    cell.column.push(Number.NaN);
    return;
  }
  const read = typeof value === 'string' ? parseDate(value) : value;
  if (typeof read !== 'number' || !Number.isFinite(Math.fround(read)))
    throw wrongValue(cell, value, `${EXPECTED} or null`);
  cell.column.push(read);
}

function plan({ name, column, format }: SourceFeature, shape: TableShape): ColumnPlan {
  const group = typeGroup(typeOf(shape, column, name));
  const read = { columns: [column], raw: quoteName(column) };
  const finite = (double: string) =>
    `CASE WHEN isfinite(TRY_CAST(${double} AS FLOAT)) THEN TRY_CAST(${double} AS FLOAT) END`;
  const isGiven = group === 'text' ? "{raw} IS NOT NULL AND {raw} <> ''" : '{raw} IS NOT NULL';
  const needed = format === undefined ? `it must be ${EXPECTED} or empty` : `its format is ${format}`;
  const fault = (given: string) => [
    { when: `${given} AND {value} IS NULL`, message: `the feature "${name}" is {shown}; ${needed}` },
  ];
  switch (group) {
    case 'text':
      return { ...read, value: finite(textNumber(format)), faults: fault(isGiven) };
    case 'float':
    case 'integer':
    case 'boolean': {
      const divisor = divisorOf(format);
      if (divisor === null) throw unusable(shape, column, `it is a number, not text of the format ${format}`);
      const given = group === 'float' ? `${isGiven} AND NOT isnan({raw})` : isGiven;
      return { ...read, value: finite(`({raw}::DOUBLE / ${divisor}::DOUBLE)`), faults: fault(given) };
    }
    case 'date':
      if (format !== undefined && format !== 'date') throw unusable(shape, column, `it is a date, not ${format}`);
      return { ...read, value: finite(daysOf('{raw}')), faults: fault(isGiven) };
    default:
      throw unusable(shape, column, 'it is neither a number nor a date');
  }
}

/** Divisor of a number; null for formats of text. */
function divisorOf(format: ValueFormat | undefined): number | null {
  if (format === 'epoch_s') return 86_400;
  if (format === 'epoch_ms') return 86_400_000;
  return format === undefined || format === 'decimal_comma' ? 1 : null;
}

/** SQL that converts a non-empty text to a number or to days since 1970; null if the text is neither. */
function textNumber(format: ValueFormat | undefined): string {
  const plain = (text: string) =>
    `CASE WHEN regexp_full_match(${text}, ${quoteText(NUMBER)}) THEN TRY_CAST(${text} AS DOUBLE) END`;
  const written = (day: number, month: number) => {
    const part = (group: number, length: number) =>
      `lpad(regexp_extract({raw}, ${quoteText(WRITTEN_DATE)}, ${group}), ${length}, '0')`;
    const time = `regexp_extract({raw}, ${quoteText(WRITTEN_DATE)}, 4)`;
    return isoDays(`(${part(3, 4)} || '-' || ${part(month, 2)} || '-' || ${part(day, 2)} || ${time})`);
  };
  switch (format) {
    case undefined:
      return `coalesce(${plain('{raw}')}, ${isoDays('{raw}')})`;
    case 'date':
      return isoDays('{raw}');
    case 'date_dmy':
      return written(1, 2);
    case 'date_mdy':
      return written(2, 1);
    case 'epoch_s':
      return `(${plain('{raw}')} / 86400::DOUBLE)`;
    case 'epoch_ms':
      return `(${plain('{raw}')} / 86400000::DOUBLE)`;
    case 'decimal_comma':
      return `CASE WHEN NOT contains({raw}, '.') THEN ${plain("replace({raw}, ',', '.')")} END`;
    case 'integer':
      return 'NULL::DOUBLE';
  }
}

/** Works around DuckDB, which does not read a time zone offset after minutes. */
function isoDays(text: string): string {
  const withSeconds = `regexp_replace(${text}, '^(.{16})(Z|[+-].*)$', '\\1:00\\2')`;
  const days = daysOf(`TRY_CAST(${withSeconds} AS TIMESTAMPTZ)`);
  return `CASE WHEN regexp_full_match(${text}, ${quoteText(ISO_DATE)}) THEN ${days} END`;
}

function daysOf(time: string): string {
  return `(epoch_ms(${time}::TIMESTAMPTZ)::DOUBLE / 86400000::DOUBLE)`;
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
