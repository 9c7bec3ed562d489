/** Cursors of the campaign list. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/domain/cursors.ts';

describe('decodeCursor', () => {
  it('returns every number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (number) => {
        expect(decodeCursor('campaigns', encodeCursor('campaigns', number))).toBe(number);
      }),
    );
  });

  it.each([
    '',
    'x',
    '!!!!',
    '12',
    encodeCursor('campaigns', 12).slice(1),
    `${encodeCursor('campaigns', 12)}=`,
    `${encodeCursor('campaigns', 12)} `,
  ])('refuses %j', (cursor) => {
    expect(() => decodeCursor('campaigns', cursor)).toThrow(
      expect.objectContaining({ code: 'invalid_cursor', details: [expect.objectContaining({ value: cursor })] }),
    );
  });

  it.each(['e1:1', 'c1:-1', 'c1:01', 'c1:9999999999999999', 'c2:1', 'c1:1\n'])('refuses the encoding of %j', (text) => {
    expect(() => decodeCursor('campaigns', Buffer.from(text).toString('base64url'))).toThrow(
      'does not belong to this list',
    );
  });
});
