/** The order of a ranking compared with a naive sort. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderOf } from '../../src/audience/order.ts';
import { naiveOrder } from './naive-order.ts';

const anyScore = fc.oneof(
  fc.float(),
  fc.float({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(Number.NaN, 0, -0, 1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

describe('orderOf', () => {
  it('agrees with a naive sort on any scores, ties and NaN', () => {
    fc.assert(
      fc.property(fc.array(anyScore, { maxLength: 300 }), (values) => {
        const scores = Float32Array.from(values);
        expect([...orderOf(scores)]).toEqual(naiveOrder(scores));
      }),
      { numRuns: 300 },
    );
  });

  it('ties -0 with 0 and puts the lower user number first', () => {
    expect([...orderOf(Float32Array.of(-0, 0, -0, 1e-45, -1e-45))]).toEqual([3, 0, 1, 2, 4]);
  });

  it('leaves the scores as they were', () => {
    const scores = Float32Array.of(0.1, 0.3, 0.2);
    orderOf(scores);
    expect([...scores]).toEqual([...Float32Array.of(0.1, 0.3, 0.2)]);
  });

  it('ranks a view into a larger buffer', () => {
    const all = Float32Array.of(9, 9, 0.1, 0.3);
    expect([...orderOf(all.subarray(2))]).toEqual([1, 0]);
  });
});
