/** What the values of a column look like: by this a schema is inferred. */
import { typeGroup } from './column-plan.ts';

/** What a number looks like that JSON, or any program, writes. */
export const NUMBER = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?';

/** A column with no more different whole numbers than this may hold codes. */
export const FEW = 20;

/** A separator that the texts of a column have between their parts. */
export interface TextList {
  /** With a space after it if every text has one there. */
  readonly separator: string;
  /** Texts that have it. */
  readonly values: number;
  readonly kind: 'tokens' | 'numbers';
  /** Numbers in each text, if the parts are numbers. */
  readonly size: number;
}

/** Counts over the rows that were looked at. */
export interface ColumnFacts {
  readonly column: string;
  readonly type: string;
  /** Rows with a value. */
  readonly values: number;
  /** Different values (of a list: different tokens). */
  readonly different: number;
  readonly example: string;
  readonly numbers: number;
  readonly fractions: number;
  readonly decimalCommas: number;
  readonly leadingZeros: number;
  readonly dates: number;
  readonly writtenDates: number;
  /** Values whose first part is above 12: a day. */
  readonly daysFirst: number;
  /** The mean length of a value. */
  readonly bytes: number;
  /** What its texts are lists of; null if they are single values. */
  readonly list: TextList | null;
  /** Texts in square brackets, and those of them that are lists of numbers. */
  readonly bracketed: number;
  readonly bracketedNumbers: number;
  /** Lengths of the lists, also of those in brackets. */
  readonly shortest: number;
  readonly longest: number;
}

/** Whether the texts of a column are mostly lists in square brackets. */
export function isBracketed({ type, values, bracketed }: ColumnFacts): boolean {
  return typeGroup(type) === 'text' && bracketed > 0.5 * values;
}
