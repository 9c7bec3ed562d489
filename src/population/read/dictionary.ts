/** The dictionary of one feature: a permanent code for every token that was ever imported. */
import type { Code } from '../../lib/brands.ts';
import type { TextTable } from '../../lib/text/text-table.ts';

/** Token <-> code. Code 0 means missing or empty; codes start at 1. */
export interface Dictionary {
  /** The highest code + 1 (at least 1). */
  readonly size: number;
  /** The token's code, 0 if unknown or ''. */
  find(token: string): Code;
  /** The token of a code, '' for code 0; throws RangeError (a bug) outside 0 .. size - 1. */
  token(code: Code): string;
}

/** A dictionary over the table of its tokens: a token's code is its index + 1. */
export function createDictionary(table: TextTable): Dictionary {
  return {
    size: table.count + 1,
    find: (token) => table.find(token) + 1,
    token: (code) => (code === 0 ? '' : table.text(code - 1)),
  };
}
