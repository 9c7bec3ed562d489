/** The users whom the first pass leaves out of the pool. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutTop } from '../../src/online/head-users.ts';

describe('cutTop', () => {
  it('leaves out the highest scores; of equal scores, those of the first rows', () => {
    const scores = Float32Array.of(0.5, 0.9, 0.5, 0.1, 0.5, 0.9);
    const pool = Int32Array.of(5, 0, 2, 3, 4, 1);
    expect(cutTop(pool, 0.5, scores)).toEqual(Int32Array.of(2, 3, 4));
    expect(cutTop(pool, 0.2, scores)).toEqual(Int32Array.of(0, 2, 3, 4, 5));
    expect(cutTop(pool, 0.1, scores)).toEqual(Int32Array.of(0, 1, 2, 3, 4, 5));
    expect(cutTop(new Int32Array(0), 0.5, scores)).toEqual(new Int32Array(0));
  });

  it('leaves out the same rows as a sort of the whole pool', () => {
    const cases = fc.record({
      scores: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      step: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(cases, ({ scores: drawn, share, step }) => {
        const scores = Float32Array.from(drawn, (score) => score / 5);
        const pool = Int32Array.from(scores.keys())
          .filter((row) => row % step === 0)
          .reverse();
        const sorted = [...pool].sort((a, b) => scores[b]! - scores[a]! || a - b);
        const left = sorted.slice(Math.floor(share * sorted.length)).sort((a, b) => a - b);
        expect([...cutTop(pool, share, scores)]).toEqual(left);
      }),
    );
  });
});
