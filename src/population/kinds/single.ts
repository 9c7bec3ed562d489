/** `single`: at most one token. */
import { describeNoToken, findToken } from '../../dataset/records.ts';
import { placeError } from '../import/row-place.ts';
import { type ColumnFacts, FEW } from './column-facts.ts';
import { type ColumnPlan, quoteName, type TableShape, textPlan, typeGroup, typeOf, unusable } from './column-plan.ts';
import type { Cell, InferredKind, KindImport, SourceFeature } from './kind-import.ts';
import { codeOf, isTokenGroup, tokenAdvice } from './tokens.ts';

export const single: KindImport = {
  hasSeparator: false,
  formats: ['integer'],
  parse,
  parseText: (text, cell) => cell.column.push(codeOf(text, cell)),
  plan,
  infer,
};

function parse(value: unknown, cell: Cell): void {
  const token = value === null ? '' : findToken(value);
  if (token === null) {
    const expected = 'text, a whole number, true, false or null (it is of kind single)';
    const message = `the feature "${cell.feature.name}" is ${describeNoToken(value)}; it must be ${expected}`;
    throw placeError(cell.place, message);
  }
  cell.column.push(codeOf(token, cell));
}

function plan({ name, column, format }: SourceFeature, shape: TableShape): ColumnPlan {
  const type = typeOf(shape, column, name);
  const group = typeGroup(type);
  if (group === 'float' && format === 'integer')
    return { columns: [column], sql: `${quoteName(column)}::DOUBLE`, type: 'number' };
  if (!isTokenGroup(group)) throw unusable(shape, column, tokenAdvice(group, type));
  return textPlan(column);
}

function infer({ values, different, numbers, leadingZeros }: ColumnFacts, notes: string[]): InferredKind {
  if (numbers === values && leadingZeros > 0) notes.push('numbers with leading zeros are treated as tokens');
  else {
    if (numbers > 0.9 * values) notes.push(`${values - numbers} values are not numbers: fix them and use kind number`);
    if (different > 0.5 * values && values > FEW)
      notes.push('nearly every user has a different value: is this an id or free text?');
  }
  return { kind: 'single' };
}
