/** Sizes of audiences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audienceNotReady, audienceSize, changesAfter, nextVersion, recut } from '../../src/domain/audiences.ts';
import { encodeCursor } from '../../src/domain/cursors.ts';
import { EXPANSION_STATES, isEnd } from '../../src/domain/states.ts';

describe('audienceSize', () => {
  it('caps a size by the candidates', () => {
    expect(audienceSize({ size: 10 }, 97, 100)).toBe(10);
    expect(audienceSize({ size: 1000 }, 97, 100)).toBe(97);
  });

  it('takes a percentage of the population, rounded up, capped by the candidates', () => {
    expect(audienceSize({ percent: 10 }, 97, 100)).toBe(10);
    expect(audienceSize({ percent: 0.5 }, 97, 101)).toBe(1);
    expect(audienceSize({ percent: 1 }, 97, 101)).toBe(2);
    expect(audienceSize({ percent: 100 }, 97, 100)).toBe(97);
  });

  it('does not round a whole number up because of floating-point error', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1_000_000 }), (tenths, thousands) => {
        const population = 1000 * thousands;
        expect(audienceSize({ percent: tenths / 10 }, population, population)).toBe(tenths * thousands);
      }),
    );
  });
});

describe('recut', () => {
  it('is null for the size and the hold-out that the version has already', () => {
    const active = { size: 97, cuts: [], holdoutPercent: 5, candidates: 97, populationSize: 100 };
    expect(recut(active, { audience: { size: 5000 }, holdoutPercent: 5 })).toBeNull();
    expect(recut(active, { audience: { percent: 10 } })).toEqual({ size: 10, cuts: [], holdoutPercent: 5 });
    expect(recut(active, { holdoutPercent: 0 })).toEqual({ size: 97, cuts: [], holdoutPercent: 0 });
  });
});

describe('nextVersion', () => {
  it('never reuses the number of a pruned version that is still in the changes', () => {
    expect(nextVersion(null, null)).toBe(1);
    expect(nextVersion(2, 7)).toBe(8);
    expect(nextVersion(7, 2)).toBe(8);
  });
});

describe('audienceNotReady', () => {
  it('says when to retry: soon while an expansion is running, later after its end', () => {
    for (const state of [null, ...EXPANSION_STATES])
      expect(audienceNotReady('c', state).facts).toEqual({
        state,
        retry_after: state === null || isEnd(state) ? 60 : 2,
      });
  });
});

describe('changesAfter', () => {
  it('refuses a cursor of changes that do not exist', () => {
    expect([changesAfter(undefined, 3), changesAfter(encodeCursor('changes', 3), 3)]).toEqual([0, 3]);
    expect(() => changesAfter(encodeCursor('changes', 4), 3)).toThrow(
      expect.objectContaining({ code: 'invalid_cursor' }),
    );
  });
});
