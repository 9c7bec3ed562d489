/** Functions for kinds with tokens: codes from a dictionary, and the types of columns that can hold tokens. */
import { lineError } from '../../dataset/lines.ts';
import { FULL } from '../../lib/text/text-table.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import { textError } from '../import/text-error.ts';
import type { Fault, TypeGroup } from './column-plan.ts';
import type { Cell, SourceFeature } from './kind-import.ts';

export function codeOf(token: string, { path, line, feature, dictionary, limits }: Cell): number {
  const index = dictionary.add(token, limits.maximumTokenBytes);
  if (index >= 0 && index < limits.maximumTokensPerDictionary) return index + 1;
  if (index >= 0 || index === FULL) {
    const message = `the dictionary of the feature "${feature.name}" is full: too many different tokens`;
    throw lineError(path, line, message, { limit: limits.maximumTokensPerDictionary });
  }
  throw textError(path, line, `a token of the feature "${feature.name}"`, token, index, limits.maximumTokenBytes);
}

export function tokenFault({ name }: SourceFeature, length: string, { maximumTokenBytes }: ImportLimits): Fault {
  const message = `a token of the feature "${name}" is longer than ${maximumTokenBytes} bytes`;
  return { when: `${length} > ${maximumTokenBytes}`, message };
}

export function isTokenGroup(group: TypeGroup): boolean {
  return group === 'text' || group === 'integer' || group === 'boolean' || group === 'date';
}

export function tokenAdvice(group: TypeGroup, type: string): string {
  if (group !== 'float') return `it is ${type}, not tokens`;
  return `it is ${type}: import it as a number, or set the format integer if 25.0 means the token 25`;
}
