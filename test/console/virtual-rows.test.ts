/** Positions of the rows of a long list. */
import { describe, expect, it } from 'vitest';
import { placeOf, rowAt, scrollTopOf } from '../../console/src/pages/audience/virtual-rows.ts';

const [ROW_PX, VIEW_PX] = [36, 450];
const layoutOf = (count: number) => ({ count, rowPx: ROW_PX, viewPx: VIEW_PX });

describe('rows that are drawn only in view', () => {
  it.each([1_000, 1_000_000, 10_000_000])('are all reachable in a list of %d, and no element is too high', (count) => {
    const layout = layoutOf(count);
    const { totalPx } = placeOf(layout, 0, 0);
    expect(totalPx).toBeLessThanOrEqual(15_000_000);
    expect(rowAt(layout, 0)).toBe(0);
    expect(rowAt(layout, totalPx - VIEW_PX)).toBeCloseTo(count - VIEW_PX / ROW_PX, 3);
  });

  it.each([1_000, 1_000_000])('show a requested one in the middle of the view in a list of %d', (count) => {
    const layout = layoutOf(count);
    for (const row of [20, count / 2, count - 20]) {
      const top = scrollTopOf(layout, row);
      const middlePx = placeOf(layout, top, row).topPx - top + ROW_PX / 2;
      expect(middlePx).toBeCloseTo(VIEW_PX / 2, 3);
    }
  });

  it('are at their natural positions as long as the list is not too high', () => {
    expect(placeOf(layoutOf(1_000), 7_777, 200).topPx).toBe(200 * ROW_PX);
  });
});
