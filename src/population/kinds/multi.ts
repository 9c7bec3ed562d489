/** `multi`: a list of tokens, in its order. */
import { lineError } from '../../dataset/lines.ts';
import { describeNoToken, findToken } from '../../dataset/records.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import type { ColumnFacts } from './column-facts.ts';
import {
  type ColumnPlan,
  elementOf,
  quoteName,
  quoteText,
  type TableShape,
  typeGroup,
  typeOf,
  unusable,
} from './column-plan.ts';
import { type Cell, type InferredKind, type KindImport, type SourceFeature, wrongValue } from './kind-import.ts';
import { codeOf, isTokenGroup, tokenAdvice, tokenFault } from './tokens.ts';

export const multi: KindImport = { hasSeparator: true, formats: [], decode, parse, plan, infer };

function decode(value: unknown, { separator }: SourceFeature): unknown {
  if (separator === undefined || typeof value !== 'string') return value;
  return value === '' ? [] : value.split(separator);
}

function parse(value: unknown, cell: Cell): void {
  if (value === null) return;
  if (!Array.isArray(value)) throw wrongValue(cell, value, 'a list of texts or null (it is of kind multi)');
  const { path, line, feature, column } = cell;
  const limit = cell.limits.maximumTokensPerList;
  if (value.length > limit) {
    const message = `the feature "${feature.name}" has ${value.length} tokens, more than ${limit}`;
    throw lineError(path, line, message, { value: value.length, limit });
  }
  for (const part of value as unknown[]) {
    const token = findToken(part);
    if (token === null) {
      const what = `the feature "${feature.name}" has a token that is ${describeNoToken(part)}`;
      throw lineError(path, line, `${what}; it must be text, a whole number, true or false`);
    }
    if (token !== '') column.push(codeOf(token, cell));
  }
}

function plan(feature: SourceFeature, shape: TableShape, limits: ImportLimits): ColumnPlan {
  const { name, column, separator } = feature;
  const type = typeOf(shape, column, name);
  const limit = limits.maximumTokensPerList;
  const faults = [
    { when: `len({value}) > ${limit}`, message: `the feature "${name}" has more than ${limit} tokens` },
    tokenFault(feature, 'list_max(list_transform({value}, lambda t: strlen(t)))', limits),
  ];
  const read = { columns: [column], raw: quoteName(column), faults };
  const element = elementOf(type);
  if (element !== null) {
    const group = typeGroup(element);
    if (!isTokenGroup(group)) throw unusable(shape, column, tokenAdvice(group, type));
    return { ...read, value: '{raw}::VARCHAR[]' };
  }
  if (typeGroup(type) !== 'text') throw unusable(shape, column, `it is ${type}, not a list`);
  if (separator === undefined) {
    const advice = 'it is text, not a list: set "separator" in the schema';
    throw unusable(shape, column, advice);
  }
  return { ...read, value: `string_split(NULLIF({raw}, ''), ${quoteText(separator)})` };
}

function infer({ type, list }: ColumnFacts, notes: string[]): InferredKind | null {
  if (elementOf(type) !== null) return { kind: 'multi' };
  if (list === null) return null;
  const { separator, values } = list;
  notes.push(`${values} values have ${JSON.stringify(separator)}, so the column is taken for a list`);
  return { kind: 'multi', separator };
}
