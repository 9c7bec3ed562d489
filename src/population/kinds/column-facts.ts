/** Statistics about the values of a column, from which a schema is inferred. */
import { typeGroup } from './column-plan.ts';

/** Matches a number as JSON or another program writes it. */
export const NUMBER = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?';

/** A column with at most this many different whole numbers may hold codes. */
export const FEW = 20;

/** The lists that the texts of a column contain. */
export interface TextList {
  /** The separator, with a space after it if every text has one there. */
  readonly separator: string;
  /** Number of texts that contain the separator. */
  readonly values: number;
  readonly kind: 'tokens' | 'numbers';
  /** Number of numbers in each text, if the parts are numbers. */
  readonly size: number;
}

/** Counts over the sampled rows. */
export interface ColumnFacts {
  readonly column: string;
  readonly type: string;
  /** Number of rows with a value. */
  readonly values: number;
  /** Number of different values (for a list, of different tokens). */
  readonly different: number;
  readonly example: string;
  readonly numbers: number;
  readonly fractions: number;
  readonly decimalCommas: number;
  readonly leadingZeros: number;
  readonly dates: number;
  readonly writtenDates: number;
  /** Number of values whose first part is above 12, and so must be a day. */
  readonly daysFirst: number;
  /** The mean length of a value. */
  readonly bytes: number;
  /** The lists that the column's texts contain; null if the texts are single values. */
  readonly list: TextList | null;
  /** Number of texts in square brackets, and how many of these texts are lists of numbers. */
  readonly bracketed: number;
  readonly bracketedNumbers: number;
  /** Lengths of the lists, including those in brackets. */
  readonly shortest: number;
  readonly longest: number;
}

/** Whether the texts of a column are mostly lists in square brackets. */
export function isBracketed({ type, values, bracketed }: ColumnFacts): boolean {
  return typeGroup(type) === 'text' && bracketed > 0.5 * values;
}
