/** The lift of an audience is one number everywhere. */
import { describe, expect, it } from 'vitest';
import { reachAt } from '../../console/src/pages/audience/reach.ts';
import { formatFactor as formatInConsole } from '../../console/src/ui/format.ts';
import { formatFactor } from '../../src/demo/report.ts';

describe('formatFactor', () => {
  it('writes the lift of an audience as its page in the console does', () => {
    // ranks of 2,005 rows, of which 201 are a tenth, and an audience of a tenth of 19,931 candidates
    const recall = { mean: 0.435, low: 0.366, high: 0.525 };
    const lift = { mean: 4.35, low: 3.65, high: 5.25 };
    const point = { share: 0.1, size: 1994, recall, lift, recall_with_all_features: null };
    const page = reachAt([point], 19_931, 1994).lift;
    for (const key of ['mean', 'low', 'high'] as const)
      expect(`${formatFactor(lift[key])}×`).toBe(formatInConsole(page[key]));
    expect([3.65, 5.25, 10].map(formatFactor)).toEqual(['3.7', '5.3', '10.0']);
  });
});
