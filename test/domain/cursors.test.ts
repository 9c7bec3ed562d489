/** Cursors of lists. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, decodeNumbers, decodePlace, encodeCursor } from '../../src/domain/cursors.ts';

const REFUSAL = expect.objectContaining({ code: 'invalid_cursor', message: 'the cursor does not belong to this list' });
const encoded = (text: string) => Buffer.from(text).toString('base64url');

describe('a cursor', () => {
  it('is read as it was written, within its scope', () => {
    const uint = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(uint, fc.tuple(uint, uint, uint), fc.uuid(), fc.string(), (number, numbers, id, scope) => {
        expect(decodeCursor('campaigns', encodeCursor('campaigns', number))).toBe(number);
        expect(decodeNumbers('members', encodeCursor('members', numbers, scope), 3, { scope })).toEqual(numbers);
        expect(decodePlace('user_audiences', encodeCursor('user_audiences', id))).toBe(id);
      }),
    );
  });

  it('with a scope does not withstand the change of a character', () => {
    const own = encodeCursor('members', [2, 50, 10], 'c');
    fc.assert(
      fc.property(fc.nat(own.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(own[at] !== character);
        const changed = own.slice(0, at) + character + own.slice(at + 1);
        expect(() => decodeNumbers('members', changed, 3, { scope: 'c' })).toThrow(REFUSAL);
      }),
    );
  });

  const good = encodeCursor('campaigns', 12);
  it.each([
    ...['', 'x', '!!!!', '12', good.slice(1), `${good}=`, `${good} `, encodeCursor('campaigns', [1, 2])],
    ...['e1:1', 'c1:', 'c1:-1', 'c1:01', 'c1:9999999999999999', 'c2:1', 'c1:1\n'].map(encoded),
  ])('is refused as %j', (cursor) => {
    expect(() => decodeCursor('campaigns', cursor, { pointer: 'since' })).toThrow(
      expect.objectContaining({ details: [expect.objectContaining({ pointer: 'since', value: cursor })] }),
    );
    expect(() => decodeCursor('campaigns', cursor)).toThrow(REFUSAL);
  });

  it.each(['d', ''])('of the scope "c" is refused in the scope "%s"', (scope) => {
    expect(() => decodeNumbers('members', encodeCursor('members', [1, 5, 1], 'c'), 3, { scope })).toThrow(REFUSAL);
    expect(() => decodeNumbers('members', encodeCursor('members', [1, 5, 1], 'c'), 3)).toThrow(REFUSAL);
  });
});
