/** `multi`: an ordered list of tokens. */
import { describeNoToken, findToken } from '../../dataset/records.ts';
import { placeError } from '../import/row-place.ts';
import type { ColumnFacts } from './column-facts.ts';
import {
  type ColumnPlan,
  elementOf,
  quoteName,
  type TableShape,
  textPlan,
  typeGroup,
  typeOf,
  unusable,
} from './column-plan.ts';
import { type Cell, type InferredKind, type KindImport, type SourceFeature, wrongValue } from './kind-import.ts';
import { codeOf, isTokenGroup, tokenAdvice } from './tokens.ts';

export const multi: KindImport = { hasSeparator: true, formats: [], parse, parseText, plan, infer };

function parse(value: unknown, cell: Cell): void {
  if (value === null) return;
  if (typeof value === 'string' && cell.feature.separator !== undefined) parseText(value, cell);
  else if (Array.isArray(value)) parseList(value, cell);
  else throw wrongValue(cell, value, 'a list of strings or null (it is of kind multi)');
}

function parseList(parts: readonly unknown[], cell: Cell): void {
  checkLength(parts.length, cell);
  for (const part of parts) {
    const token = findToken(part);
    if (token === null) {
      const what = `the feature "${cell.feature.name}" has a token that is ${describeNoToken(part)}`;
      throw placeError(cell.place, `${what}; it must be text, a whole number, true or false`);
    }
    pushCode(codeOf(token, cell), cell);
  }
}

function parseText(text: string, cell: Cell): void {
  if (text === '') return;
  const tokens = text.split(cell.feature.separator!);
  checkLength(tokens.length, cell);
  for (const token of tokens) pushCode(codeOf(token, cell), cell);
}

/** Errors: AppError `invalid_data` if a list has too many tokens. */
export function checkLength(tokens: number, { place, feature, limits }: Cell): void {
  const limit = limits.maximumTokensPerList;
  if (tokens <= limit) return;
  const message = `the feature "${feature.name}" has ${tokens} tokens, more than ${limit}`;
  throw placeError(place, message, { value: tokens, limit });
}

/** Adds a token to the list; an empty token is left out. */
export function pushCode(code: number, { column }: Cell): void {
  if (code > 0) column.push(code);
}

function plan({ name, column, separator }: SourceFeature, shape: TableShape): ColumnPlan {
  const type = typeOf(shape, column, name);
  const element = elementOf(type);
  if (element !== null) {
    const group = typeGroup(element);
    if (!isTokenGroup(group)) throw unusable(shape, column, tokenAdvice(group, type));
    return { columns: [column], sql: `${quoteName(column)}::VARCHAR[]`, type: 'texts' };
  }
  if (typeGroup(type) !== 'text') throw unusable(shape, column, `it is ${type}, not a list`);
  if (separator === undefined) throw unusable(shape, column, 'it is text, not a list: set "separator" in the schema');
  return textPlan(column);
}

function infer({ type, list }: ColumnFacts, notes: string[]): InferredKind | null {
  if (elementOf(type) !== null) return { kind: 'multi' };
  if (list === null) return null;
  const { separator, values } = list;
  notes.push(`${values} values contain ${JSON.stringify(separator)}, so the column is treated as a list`);
  return { kind: 'multi', separator };
}
