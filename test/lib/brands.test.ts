/** Branded numbers: the compiler is the test, as what is marked as an error and is none fails `npm run check`. */
import { describe, expect, it } from 'vitest';
import type { Code, Row, TokenId, UserNumber } from '../../src/lib/brands.ts';

describe('branded numbers', () => {
  it('cannot stand for one another, and are plain numbers otherwise', () => {
    const user: UserNumber = Int32Array.of(3)[0]!;
    const code: Code = 3;
    // @ts-expect-error
    const row: Row = user;
    // @ts-expect-error
    const id: TokenId = code;
    expect(user + 0).toBe(row + id - code);
  });
});
