/** `vector`: a fixed number of numbers, given as a list, as text, or as one column per number. */
import { assert } from '../../lib/errors.ts';
import { placeError } from '../import/row-place.ts';
import { type ColumnFacts, isBracketed } from './column-facts.ts';
import {
  type ColumnPlan,
  elementOf,
  quoteName,
  type TableShape,
  type TypeGroup,
  textPlan,
  typeGroup,
  typeOf,
  unusable,
} from './column-plan.ts';
import {
  type Cell,
  type InferredKind,
  isPattern,
  type KindImport,
  type SourceFeature,
  wrongText,
  wrongValue,
} from './kind-import.ts';
import { readNumber } from './number.ts';

export const vector: KindImport = { hasSeparator: true, formats: [], parse, parseText, plan, infer };

function parse(value: unknown, cell: Cell): void {
  const { place, feature, column } = cell;
  const { name, size } = feature;
  assert(size !== undefined, 'a vector has a size');
  if (value === null) {
    for (let i = 0; i < size; i++) column.push(Number.NaN);
    return;
  }
  if (!Array.isArray(value)) throw wrongValue(cell, value, `a list of ${size} numbers or null (it is of kind vector)`);
  if (value.length !== size) {
    const message = `the vector "${name}" has ${value.length} numbers, not ${size}`;
    throw placeError(place, message, { value: value.length, limit: size });
  }
  for (const item of value) {
    if (typeof item !== 'number' || !Number.isFinite(Math.fround(item)))
      throw wrongValue(cell, item, 'a list of numbers that float32 can hold');
    column.push(item);
  }
}

/**
 * Without a separator in the schema, the string must be a list in brackets. With a separator, the brackets are
 * optional.
 */
function parseText(text: string, cell: Cell): void {
  const { separator, size } = cell.feature;
  if (text === '') {
    parse(null, cell);
    return;
  }
  if (separator === undefined && !BRACKETED.test(text))
    throw wrongText(cell, text, `it must be a list of ${size} numbers in brackets, such as [0.5, 1]`);
  const list = text.replace(AROUND, '');
  parse(list.split(separator === ' ' ? /\s+/ : (separator ?? ',')).map(numberOf), cell);
}

const BRACKETED = /^\s*\[.*\]\s*$/s;
const AROUND = /^[[\] ]+|[[\] ]+$/g;

/**
 * Converts the strings of several columns to numbers; null if all strings are empty. If only some are empty, the vector
 * is refused later.
 */
export function numbersOf(texts: readonly string[]): unknown {
  return texts.every((text) => text === '') ? null : texts.map(numberOf);
}

/** Converts a string to a number. A string that is not a number is returned unchanged, for the error message. */
function numberOf(text: string): number | string {
  return readNumber(text.trim()) ?? text;
}

function plan(feature: SourceFeature, shape: TableShape): ColumnPlan {
  const { name, column, size } = feature;
  assert(size !== undefined, 'a vector has a size');
  if (isPattern(feature)) return patternPlan(feature, size, shape);
  const type = typeOf(shape, column, name);
  const element = elementOf(type);
  if (element === null && typeGroup(type) === 'text') return textPlan(column);
  if (element === null || !isNumeric(typeGroup(element)))
    throw unusable(shape, column, `it is ${type}, not a list of numbers`);
  return { columns: [column], sql: `${quoteName(column)}::DOUBLE[]`, type: 'numbers' };
}

function patternPlan({ name, column }: SourceFeature, size: number, shape: TableShape): ColumnPlan {
  const first = shape.types.has(column.replace('*', '0')) ? 0 : 1;
  const columns = Array.from({ length: size }, (_, i) => column.replace('*', String(i + first)));
  const numbers = columns.map((one) => {
    const group = typeGroup(typeOf(shape, one, name));
    if (group === 'text') return `TRY_CAST(NULLIF(${quoteName(one)}, '') AS DOUBLE)`;
    if (!isNumeric(group)) throw unusable(shape, one, 'it is not a number');
    return `${quoteName(one)}::DOUBLE`;
  });
  const next = column.replace('*', String(size + first));
  if (shape.types.has(next))
    throw unusable(shape, next, `the vector "${name}" has the size ${size}, but there are more columns`);
  const texts = columns.map((one) => `NULLIF(${quoteName(one)}::VARCHAR, '')`);
  // null if all numbers are missing; if only some numbers are missing, the vector is an error
  const sql = `CASE WHEN coalesce(${texts.join(', ')}) IS NOT NULL THEN [${numbers.join(', ')}] END`;
  return { columns, sql, type: 'numbers' };
}

function isNumeric(group: TypeGroup): boolean {
  return group === 'float' || group === 'integer';
}

function infer(facts: ColumnFacts, notes: string[]): InferredKind | null {
  const { type, list, shortest, longest } = facts;
  const element = elementOf(type);
  if (element !== null) {
    const isWhole = typeGroup(element) === 'integer';
    const isVector = typeGroup(element) === 'float' || (isWhole && shortest > 1);
    if (!isVector || shortest !== longest) return null;
    if (isWhole) notes.push('lists of whole numbers with equal lengths: use kind multi if the numbers are codes');
    return { kind: 'vector', size: Math.max(longest, 1) };
  }
  if (isBracketed(facts)) return { kind: 'vector', size: longest };
  return list?.kind === 'numbers' ? { kind: 'vector', size: list.size, separator: list.separator } : null;
}
