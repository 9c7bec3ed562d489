/** Statistics about the values of a column, from which a schema is inferred. */
import { typeGroup } from './column-plan.ts';

/** Matches a number in the notation of JSON or another program. */
export const NUMBER = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?';

/** Maximum number of distinct whole numbers in a column for its numbers to count as possible codes. */
export const FEW = 20;

/** Facts about the lists in the strings of a column. */
export interface TextList {
  /** The separator, followed by a space if a space follows the separator in every string. */
  readonly separator: string;
  /** Number of strings that contain the separator. */
  readonly values: number;
  readonly kind: 'tokens' | 'numbers';
  /** Count of numbers in each string, if the parts are numbers. */
  readonly size: number;
}

/** Statistics over the sampled rows. */
export interface ColumnFacts {
  readonly column: string;
  readonly type: string;
  /** Number of rows with a value. */
  readonly values: number;
  /** Number of distinct values (for a list, of distinct tokens). */
  readonly different: number;
  readonly example: string;
  readonly numbers: number;
  readonly fractions: number;
  readonly decimalCommas: number;
  readonly leadingZeros: number;
  readonly dates: number;
  readonly writtenDates: number;
  /** Number of dates whose first part is above 12 and must therefore be the day. */
  readonly daysFirst: number;
  /** Mean length of a value, in bytes. */
  readonly bytes: number;
  /** Facts about the lists in the strings of the column; null if the strings are single values. */
  readonly list: TextList | null;
  /** Number of strings in square brackets, and the number of these strings that are lists of numbers. */
  readonly bracketed: number;
  readonly bracketedNumbers: number;
  /** Lengths of the shortest and the longest list, including lists in brackets. */
  readonly shortest: number;
  readonly longest: number;
}

/** Whether the strings of a column are mostly lists in square brackets. */
export function isBracketed({ type, values, bracketed }: ColumnFacts): boolean {
  return typeGroup(type) === 'text' && bracketed > 0.5 * values;
}
