/** `single`: one token, or none. */
import { lineError } from '../../dataset/lines.ts';
import { describeNoToken, findToken } from '../../dataset/records.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import { type ColumnFacts, FEW } from './column-facts.ts';
import { type ColumnPlan, quoteName, type TableShape, typeGroup, typeOf, unusable } from './column-plan.ts';
import type { Cell, InferredKind, KindImport, SourceFeature } from './kind-import.ts';
import { codeOf, isTokenGroup, tokenAdvice, tokenFault } from './tokens.ts';

export const single: KindImport = {
  hasSeparator: false,
  formats: ['integer'],
  decode: (value) => value,
  parse,
  plan,
  infer,
};

function parse(value: unknown, cell: Cell): void {
  const token = value === null ? '' : findToken(value);
  if (token === null) {
    const expected = 'text, a whole number, true, false or null (it is of kind single)';
    const message = `the feature "${cell.feature.name}" is ${describeNoToken(value)}; it must be ${expected}`;
    throw lineError(cell.path, cell.line, message);
  }
  cell.column.push(token === '' ? 0 : codeOf(token, cell));
}

function plan(feature: SourceFeature, shape: TableShape, limits: ImportLimits): ColumnPlan {
  const { name, column, format } = feature;
  const read = { columns: [column], raw: quoteName(column) };
  const type = typeOf(shape, column, name);
  const group = typeGroup(type);
  if (group === 'float' && format === 'integer') {
    const when = '{raw} IS NOT NULL AND NOT isnan({raw}) AND {value} IS NULL';
    const value = 'CASE WHEN {raw} = trunc({raw}) THEN TRY_CAST({raw} AS BIGINT)::VARCHAR END';
    const message = `the feature "${name}" is {shown}; it must be a whole number`;
    return { ...read, value, faults: [{ when, message }] };
  }
  if (!isTokenGroup(group)) throw unusable(shape, column, tokenAdvice(group, type));
  return { ...read, value: "NULLIF({raw}::VARCHAR, '')", faults: [tokenFault(feature, 'strlen({value})', limits)] };
}

function infer({ values, different, numbers, leadingZeros }: ColumnFacts, notes: string[]): InferredKind {
  if (numbers === values && leadingZeros > 0) notes.push('numbers with leading zeros are taken as tokens');
  else {
    if (numbers > 0.9 * values) notes.push(`${values - numbers} values are not numbers: fix them and use kind number`);
    if (different > 0.5 * values && values > FEW)
      notes.push('nearly every user has a different value: is this an id or free text?');
  }
  return { kind: 'single' };
}
