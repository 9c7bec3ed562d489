/** The demo's measures. */
import { describe, expect, it } from 'vitest';
import { compareHits, measure, rank, readTruth } from '../../src/demo/comparison.ts';

const UNKNOWN = -1;

describe('readTruth', () => {
  it('knows nothing of users without rows, and takes the better of two rows', () => {
    const truth = readTruth(Int32Array.of(3, 1, 1, 1), Uint8Array.of(0, 0, 1, 0), 5);
    expect([...truth]).toEqual([UNKNOWN, 1, UNKNOWN, 0, UNKNOWN]);
  });
});

describe('rank', () => {
  it('goes by score, then by user number', () => {
    expect([...rank(Int32Array.of(9, 4, 7, 2), Float64Array.of(0.5, 0.9, 0.5, 0.1))]).toEqual([4, 7, 9, 2]);
  });
});

describe('measure', () => {
  it('counts hits, recall and lift among the users of whom something is known', () => {
    // users 0..9: two of the eight known like it
    const truth = Int8Array.of(1, 0, UNKNOWN, 1, 0, 0, 0, UNKNOWN, 0, 0);
    const method = { name: 'm', ranking: Int32Array.of(2, 0, 1, 3, 4, 5, 6, 7, 8, 9) };
    expect(measure(method, truth, [2, 4, 10])).toEqual([
      { size: 2, hits: 1, recall: 0.5, lift: 4 },
      { size: 4, hits: 2, recall: 1, lift: 2 / 3 / (2 / 8) },
      { size: 10, hits: 2, recall: 1, lift: 1 },
    ]);
  });

  it('has no lift when nothing is known of the best', () => {
    const truth = Int8Array.of(UNKNOWN, 1, 0);
    expect(measure({ name: 'm', ranking: Int32Array.of(0, 1, 2) }, truth, [1])[0]!.lift).toBeNaN();
  });
});

describe('compareHits', () => {
  it('takes two standard errors from the hits that only one of them has', () => {
    const truth = Int8Array.of(1, 1, 1, 1, 0, 0);
    const a = { name: 'a', ranking: Int32Array.of(0, 1, 2, 4, 5, 3) };
    const b = { name: 'b', ranking: Int32Array.of(0, 3, 4, 5, 1, 2) };
    expect(compareHits(a, b, truth, 3)).toEqual({ difference: 1, chance: 2 * Math.sqrt(3) });
    expect(compareHits(a, a, truth, 3)).toEqual({ difference: 0, chance: 0 });
  });
});
