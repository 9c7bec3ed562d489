/** Statistics about the values of a column, from which a schema is inferred. */
import { typeGroup } from './column-plan.ts';

/** Matches a number in the notation of JSON or another program. */
export const NUMBER = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?';

/** Maximum number of different whole numbers in a column that may hold codes. */
export const FEW = 20;

/** Facts about the lists in the texts of a column. */
export interface TextList {
  /** Separator, followed by a space if every text has a space there. */
  readonly separator: string;
  /** Number of texts that contain the separator. */
  readonly values: number;
  readonly kind: 'tokens' | 'numbers';
  /** Count of numbers per text, if the parts are numbers. */
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
  /** Number of dates whose first part is above 12 and must therefore be a day. */
  readonly daysFirst: number;
  /** The mean length of a value. */
  readonly bytes: number;
  /** Facts about the lists in the texts of the column; null if the texts are single values. */
  readonly list: TextList | null;
  /** Number of texts in square brackets, and the number of lists of numbers among them. */
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
