/**
 * Positions of rows in a list that draws only the rows in view. Browsers limit the height of an element (Firefox to
 * about 17 million pixels). A list that would exceed the limit is made shorter, and each pixel of its scrollbar covers
 * more rows.
 */

const MOST_PX = 15_000_000;

export interface Layout {
  readonly count: number;
  readonly rowPx: number;
  /** Height of the visible part. */
  readonly viewPx: number;
}

export interface RowPlace {
  /** Height of the whole list. */
  readonly totalPx: number;
  /** Position of the first drawn row in the list. */
  readonly topPx: number;
}

/** The row at the top of the view. The fraction of the number is the part of the row that is out of view. */
export function rowAt(layout: Layout, scrollTop: number): number {
  return (Math.max(0, scrollTop) * worthOf(layout)) / layout.rowPx;
}

/** Returns the scroll position that shows a 0-based row in the middle of the view. */
export function scrollTopOf(layout: Layout, row: number): number {
  const { rowPx, viewPx } = layout;
  return Math.max(0, (row * rowPx - (viewPx - rowPx) / 2) / worthOf(layout));
}

/** Returns the positions of the drawn rows, the first of which is `from`. */
export function placeOf(layout: Layout, scrollTop: number, from: number): RowPlace {
  const topPx = scrollTop - (rowAt(layout, scrollTop) - from) * layout.rowPx;
  return { totalPx: Math.min(MOST_PX, layout.count * layout.rowPx), topPx: Math.max(0, topPx) };
}

/** Pixels of rows per pixel of the scrollbar, which is 1 unless the list is too high. */
function worthOf({ count, rowPx, viewPx }: Layout): number {
  const allPx = count * rowPx;
  return allPx <= MOST_PX ? 1 : (allPx - viewPx) / (MOST_PX - viewPx);
}
