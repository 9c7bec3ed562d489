/** The audience's cursor. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCampaignCursor,
  decodeCursor,
  encodeCampaignCursor,
  encodeCursor,
} from '../../../src/http/audiences/cursor.ts';

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const cursor = fc.record({ audienceVersion: uint32, size: uint32, afterRank: uint32 });

describe('decodeCursor', () => {
  it('reads what encodeCursor wrote for the same campaign', () => {
    fc.assert(
      fc.property(fc.string(), cursor, (id, value) => {
        expect(decodeCursor(id, encodeCursor(id, value))).toEqual(value);
      }),
    );
  });

  it('refuses any change of a character', () => {
    fc.assert(
      fc.property(cursor, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (value, at, character) => {
        const text = encodeCursor('c', value);
        const i = at % text.length;
        fc.pre(text[i] !== character);
        const changed = text.slice(0, i) + character + text.slice(i + 1);
        expect(() => decodeCursor('c', changed)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
      }),
    );
  });

  it('refuses any other text, and the cursor of another campaign', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor('c', text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
      }),
    );
    const other = encodeCursor('d', { audienceVersion: 1, size: 5, afterRank: 1 });
    expect(() => decodeCursor('c', other)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
  });
});

describe('decodeCampaignCursor', () => {
  it('reads what encodeCampaignCursor wrote', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(decodeCampaignCursor(encodeCampaignCursor(id))).toBe(id);
      }),
    );
  });

  it('refuses any other text', () => {
    const others = fc.oneof(
      fc.string(),
      fc.string().map((text) => Buffer.from(text).toString('base64url')),
      fc.constantFrom(encodeCampaignCursor(''), `${encodeCampaignCursor('c')}=`, ` ${encodeCampaignCursor('c')}`),
    );
    fc.assert(
      fc.property(others, (text) => {
        expect(() => decodeCampaignCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
      }),
    );
  });
});
