/**
 * Reads the values of campaign features from a data set. The table has a row for each kind of feature; a missing row is
 * a compile error.
 */
import type { FeatureKind } from '../lib/feature-kinds.ts';
import type { Feature } from './features.ts';
import { describe, describeNoToken, findToken } from './records.ts';
import { parseDays } from './times.ts';

export type CampaignValue = string | number | readonly string[] | readonly number[];

/** The error text: what the value is, and what was expected instead. */
interface Refusal {
  readonly refused: string;
}

type Read = (value: unknown, size: number | undefined) => CampaignValue | Refusal;

const MAXIMUM_TOKENS = 10_000;

const READERS: { readonly [K in FeatureKind]: Read } = {
  single: (value) => findToken(value) ?? { refused: `${describeNoToken(value)}; text is expected` },
  multi: readTokens,
  number(value) {
    const number = typeof value === 'string' ? parseDays(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    return { refused: `${describe(value)}; a number or a date is expected` };
  },
  vector(value, size) {
    if (Array.isArray(value) && value.length === size && value.every(Number.isFinite)) return value as number[];
    return { refused: `${describe(value)}; a list of ${size} numbers is expected` };
  },
};

/** Returns the value of a campaign feature. `refuse` creates the error to throw for a value of the wrong kind. */
export function readCampaignValue(
  value: unknown,
  { kind, size }: Feature,
  refuse: (what: string) => Error,
): CampaignValue {
  const read = READERS[kind](value, size);
  if (typeof read === 'object' && 'refused' in read) throw refuse(read.refused);
  return read;
}

function readTokens(value: unknown): readonly string[] | Refusal {
  if (!Array.isArray(value)) return { refused: `${describe(value)}; a list of strings is expected` };
  if (value.length > MAXIMUM_TOKENS) return { refused: `a list of ${value.length}, more than ${MAXIMUM_TOKENS}` };
  const tokens: string[] = [];
  for (const part of value as unknown[]) {
    const token = findToken(part);
    if (token === null) return { refused: `a list that contains ${describeNoToken(part)}; strings are expected` };
    tokens.push(token);
  }
  return tokens;
}
