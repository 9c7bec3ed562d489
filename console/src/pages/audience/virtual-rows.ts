/**
 * Where rows of a list stand that are drawn only in view. Browsers cut elements that are higher than some 17 million
 * pixels (Firefox): a list that would be is made lower, and each pixel of its scrollbar is worth more.
 */

const MOST_PX = 15_000_000;

export interface Layout {
  readonly count: number;
  readonly rowPx: number;
  /** Height of what is seen at once. */
  readonly viewPx: number;
}

export interface RowPlace {
  /** Height of the whole list. */
  readonly totalPx: number;
  /** Where the first drawn row begins in it. */
  readonly topPx: number;
}

/** The row at the top of the view, with its fraction that is scrolled away. */
export function rowAt(layout: Layout, scrollTop: number): number {
  return (Math.max(0, scrollTop) * worthOf(layout)) / layout.rowPx;
}

/** How far to scroll for a row, 0-based, to stand in the middle of the view. */
export function scrollTopOf(layout: Layout, row: number): number {
  const { rowPx, viewPx } = layout;
  return Math.max(0, (row * rowPx - (viewPx - rowPx) / 2) / worthOf(layout));
}

/** Of the rows from `from` on. */
export function placeOf(layout: Layout, scrollTop: number, from: number): RowPlace {
  const topPx = scrollTop - (rowAt(layout, scrollTop) - from) * layout.rowPx;
  return { totalPx: Math.min(MOST_PX, layout.count * layout.rowPx), topPx: Math.max(0, topPx) };
}

/** Pixels of rows that one pixel of the scrollbar is worth: 1 unless the list is too high. */
function worthOf({ count, rowPx, viewPx }: Layout): number {
  const allPx = count * rowPx;
  return allPx <= MOST_PX ? 1 : (allPx - viewPx) / (MOST_PX - viewPx);
}
