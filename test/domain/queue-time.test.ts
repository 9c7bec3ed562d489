import { describe, expect, it } from 'vitest';
import { endsOf, type WorkLeft } from '../../src/domain/queue-time.ts';

const work = (adapting: number, reporting: number, scoring: number, segments = 8): WorkLeft => ({
  ...{ adapting, reporting, scoring, segments },
});

describe('endsOf', () => {
  it('scores a single expansion during its report, on the free threads', () => {
    expect(endsOf([work(1, 4, 2)], 2)).toEqual([5]);
    // 4 s of one thread beside the report, and 3 s of both
    expect(endsOf([work(1, 4, 10)], 2)).toEqual([8]);
    expect(endsOf([work(1, 4, 10)], 1)).toEqual([15]);
  });

  it('gives a segment to one thread', () => {
    expect(endsOf([work(1, 0, 4, 1)], 2)).toEqual([5]);
    expect(endsOf([work(1, 0, 4, 2)], 2)).toEqual([3]);
  });

  it('adapts all running expansions before it scores them, and they end together', () => {
    const ends = endsOf([work(1, 1, 1), work(1, 1, 1), work(1, 1, 1), work(1, 1, 1)], 2);
    expect(ends.map((end) => end.toFixed(6))).toEqual(['6.000000', '6.000000', '6.000000', '6.000000']);
  });

  it('starts the next when one ends', () => {
    expect(endsOf([work(1, 1, 1), work(0, 0, 2), work(3, 0, 0)], 1, 1)).toEqual([3, 5, 8]);
    expect(endsOf([work(0, 0, 0), work(0, 0, 0)], 1, 1)).toEqual([0, 0]);
    expect(endsOf([], 1, 1)).toEqual([]);
  });

  it('takes as long in total as the work takes on the busy threads', () => {
    const queue = Array.from({ length: 200 }, (_, i) => work(1 + (i % 3), i % 5, 1 + (i % 2)));
    const all = queue.reduce((sum, { adapting, reporting, scoring }) => sum + adapting + reporting + scoring, 0);
    const last = Math.max(...endsOf(queue, 2));
    expect(last).toBeGreaterThanOrEqual(all / 2 - 1e-6);
    expect(last).toBeLessThan(all / 2 + 6);
  });
});
