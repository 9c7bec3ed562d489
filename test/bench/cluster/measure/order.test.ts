import { describe, expect, it } from 'vitest';
import { compareOrders, orderBy } from './order.ts';

describe('the order of a queue', () => {
  it('is that of times; equal times are in the order of the campaigns', () => {
    expect(orderBy([3, 1, 2, 1])).toEqual([1, 3, 2, 0]);
  });

  it('has no inversions if it is the reference', () => {
    expect(compareOrders([2, 0, 1], [2, 0, 1])).toEqual({ inversions: 0, pairs: 3, latest: 0 });
  });

  it('counts pairs in the other order, and the places by which a campaign comes later', () => {
    expect(compareOrders([0, 1, 2, 3], [3, 0, 1, 2])).toEqual({ inversions: 3, pairs: 6, latest: 1 });
    expect(compareOrders([0, 1, 2, 3], [1, 2, 3, 0])).toEqual({ inversions: 3, pairs: 6, latest: 3 });
  });
});
