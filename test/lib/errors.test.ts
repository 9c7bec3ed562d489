/** Errors for callers, and assertions. */
import { describe, expect, it } from 'vitest';
import { AppError, assert, messageOf } from '../../src/lib/errors.ts';

describe('AppError', () => {
  it('has code, details, facts and cause, and no cause if none was given', () => {
    const cause = new Error('disk');
    const error = new AppError('storage_failed', 'cannot', {
      details: [{ pointer: '/a', message: 'b' }],
      facts: { x: 1 },
      cause,
    });
    expect(error).toMatchObject({
      name: 'AppError',
      code: 'storage_failed',
      message: 'cannot',
      facts: { x: 1 },
      cause,
    });
    expect(error.details).toEqual([{ pointer: '/a', message: 'b' }]);
    const plain = new AppError('internal', 'x');
    expect([plain.details, plain.facts, 'cause' in plain]).toEqual([[], {}, false]);
  });
});

describe('assert', () => {
  it('throws a bug, not an AppError, unless the condition holds', () => {
    assert(1, 'never');
    expect(() => assert('', 'there is text')).toThrow('assertion failed: there is text');
    expect(() => assert(null, 'x')).not.toThrow(AppError);
  });
});

describe('messageOf', () => {
  it('returns the text of anything that was thrown', () => {
    expect([new Error('a'), 'b', 3, undefined].map(messageOf)).toEqual(['a', 'b', '3', 'undefined']);
  });
});
