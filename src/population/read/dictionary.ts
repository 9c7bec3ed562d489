/** The dictionary of one feature: a permanent code for every token that was ever imported. */
import type { Code } from '../../lib/brands.ts';
import type { TextTable } from '../../lib/text/text-table.ts';

/** Maps tokens to codes and back. Code 0 means missing or empty; the codes of tokens start at 1. */
export interface Dictionary {
  /** The highest code plus 1 (at least 1). */
  readonly size: number;
  /** The code of a token; 0 for '' and unknown tokens. */
  find(token: string): Code;
  /** The token of a code; '' for code 0. Throws RangeError (a bug) for a code outside 0 .. size - 1. */
  token(code: Code): string;
}

/** Creates a dictionary from a table of tokens. A token's code is its index + 1. */
export function createDictionary(table: TextTable): Dictionary {
  return {
    size: table.count + 1,
    find: (token) => table.find(token) + 1,
    token: (code) => (code === 0 ? '' : table.text(code - 1)),
  };
}
