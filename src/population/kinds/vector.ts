/** `vector`: a fixed number of numbers, given as a list, as text, or as one column per number. */
import { lineError } from '../../dataset/lines.ts';
import { assert } from '../../lib/errors.ts';
import { type ColumnFacts, isBracketed } from './column-facts.ts';
import {
  type ColumnPlan,
  elementOf,
  type Fault,
  quoteName,
  quoteText,
  type TableShape,
  type TypeGroup,
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
  wrongValue,
} from './kind-import.ts';

export const vector: KindImport = {
  hasSeparator: true,
  formats: [],
  decode: (value) => value,
  parse,
  plan,
  infer,
};

function parse(value: unknown, cell: Cell): void {
  const { path, line, feature, column } = cell;
  const { name, size } = feature;
  assert(size !== undefined, 'a vector has a size');
  if (value === null) {
    for (let i = 0; i < size; i++) column.push(Number.NaN);
    return;
  }
  if (!Array.isArray(value)) throw wrongValue(cell, value, `a list of ${size} numbers or null (it is of kind vector)`);
  if (value.length !== size) {
    const message = `the vector "${name}" has ${value.length} numbers, not ${size}`;
    throw lineError(path, line, message, { value: value.length, limit: size });
  }
  for (const item of value) {
    if (typeof item !== 'number' || !Number.isFinite(Math.fround(item)))
      throw wrongValue(cell, item, 'a list of numbers that float32 can hold');
    column.push(item);
  }
}

function plan(feature: SourceFeature, shape: TableShape): ColumnPlan {
  const { name, column, separator, size } = feature;
  assert(size !== undefined, 'a vector has a size');
  if (isPattern(feature)) return patternPlan(feature, size, shape);
  const type = typeOf(shape, column, name);
  const element = elementOf(type);
  const plan = { columns: [column], raw: quoteName(column) };
  if (element !== null) {
    if (!isNumeric(typeGroup(element))) throw unusable(shape, column, `it is ${type}, not a list of numbers`);
    return { ...plan, value: 'TRY_CAST({raw} AS FLOAT[])', faults: faultsOf(name, size, '{raw} IS NOT NULL') };
  }
  if (typeGroup(type) !== 'text') throw unusable(shape, column, `it is ${type}, not a list of numbers`);
  const trimmed = "trim({raw}, '[] ')";
  const parts = (by: string) =>
    by === ' ' ? `regexp_split_to_array(${trimmed}, '\\s+')` : `string_split(${trimmed}, ${quoteText(by)})`;
  const list = separator === undefined ? "NULLIF({raw}, '')" : `CASE WHEN {raw} <> '' THEN ${parts(separator)} END`;
  return {
    ...plan,
    // text is cast through float64, like in a JSON reader, because a direct cast to float32 may round differently
    value: `TRY_CAST(TRY_CAST(${list} AS DOUBLE[]) AS FLOAT[])`,
    faults: faultsOf(name, size, "{raw} IS NOT NULL AND {raw} <> ''"),
  };
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
  return {
    columns,
    // the value is null if all numbers are missing; if only some are missing, the vector is an error
    raw: `CASE WHEN coalesce(${texts.join(', ')}) IS NOT NULL THEN [${numbers.join(', ')}] END`,
    value: 'TRY_CAST({raw} AS FLOAT[])',
    faults: faultsOf(name, size, '{raw} IS NOT NULL'),
  };
}

function faultsOf(name: string, size: number, isGiven: string): Fault[] {
  return [
    {
      when: `${isGiven} AND ({value} IS NULL OR len({value}) <> ${size})`,
      message: `the vector "${name}" is {shown}; it must have ${size} numbers`,
    },
    {
      when: `{value} IS NOT NULL AND (list_count({value}) <> ${size} OR NOT isfinite(list_sum({value})))`,
      message: `the vector "${name}" is {shown}; it must be numbers that float32 can hold`,
    },
  ];
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
