/**
 * Code that kinds with tokens share: look-ups of codes in a dictionary, and the types of columns that can hold tokens.
 */
import { FULL } from '../../lib/text/text-table.ts';
import { placeError, textError } from '../import/row-place.ts';
import type { TypeGroup } from './column-plan.ts';
import type { Cell } from './kind-import.ts';

/** UTF-8 text in the memory of a file's reader: `bytes[start .. start + length)`, which is always valid. */
export interface Utf8 {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** Returns the text as a string, decoded if necessary. */
export function stringOf(text: string | Utf8): string {
  if (typeof text === 'string') return text;
  const { bytes, start, length } = text;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString();
}

/** The code of a token, which is added to the dictionary if it is new; 0 for an empty token. */
export function codeOf(token: string, cell: Cell): number {
  if (token === '') return 0;
  const index = cell.dictionary.add(token, cell.limits.maximumTokenBytes);
  return index >= 0 && index < cell.limits.maximumTokensPerDictionary ? index + 1 : refuse(token, index, cell);
}

/** Like `codeOf`, but creates no string per token. */
export function codeOfUtf8(token: Utf8, cell: Cell): number {
  const { bytes, start, length } = token;
  if (length === 0) return 0;
  const index = cell.dictionary.addUtf8(bytes, start, length, cell.limits.maximumTokenBytes);
  if (index >= 0 && index < cell.limits.maximumTokensPerDictionary) return index + 1;
  return refuse(stringOf(token), index, cell);
}

function refuse(token: string, fault: number, { place, feature, limits }: Cell): never {
  if (fault < 0 && fault !== FULL)
    throw textError(place, `a token of the feature "${feature.name}"`, token, fault, limits.maximumTokenBytes);
  const message = `the dictionary of the feature "${feature.name}" is full: too many different tokens`;
  throw placeError(place, message, { limit: limits.maximumTokensPerDictionary });
}

export function isTokenGroup(group: TypeGroup): boolean {
  return group === 'text' || group === 'integer' || group === 'boolean' || group === 'date';
}

export function tokenAdvice(group: TypeGroup, type: string): string {
  if (group !== 'float') return `it is ${type}, not tokens`;
  return `it is ${type}: import it as a number, or set the format integer if 25.0 means the token 25`;
}
