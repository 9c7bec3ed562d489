/** Branded numbers, tested by the compiler: `npm run check` fails if a marked line compiles. */
import { describe, expect, it } from 'vitest';
import type { Code, Row, TokenId, UserNumber } from '../../src/lib/brands.ts';

describe('branded numbers', () => {
  it('cannot be used for one another, and are plain numbers otherwise', () => {
    const user: UserNumber = Int32Array.of(3)[0]!;
    const code: Code = 3;
    // @ts-expect-error
    const row: Row = user;
    // @ts-expect-error
    const id: TokenId = code;
    expect(user + 0).toBe(row + id - code);
  });
});
