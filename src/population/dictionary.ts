/** The dictionary of one feature: a permanent code for every token that was ever imported. */

/** Token <-> code. Code 0 means missing or empty; codes start at 1. */
export interface Dictionary {
  /** The highest code + 1 (at least 1). */
  readonly size: number;
  /** The token's code, 0 if unknown. */
  find(token: string): number;
  /** The token of a code, '' for code 0; throws RangeError outside 0 .. size - 1 (a bug). */
  token(code: number): string;
}
