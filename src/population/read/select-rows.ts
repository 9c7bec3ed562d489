/** Selects rows of a segment. */
import type { Feature } from '../../dataset/features.ts';
import { SegmentBuilder } from '../import/segment-builder.ts';
import type { Rows } from './segments.ts';

/** The rows for which `isWanted` returns true, in their order. The rows are copies unless all rows are wanted. */
export function selectRows(rows: Rows, features: readonly Feature[], isWanted: (row: number) => boolean): Rows {
  const runs: (readonly [from: number, to: number])[] = [];
  let count = 0;
  for (let row = 0; row < rows.count; ) {
    const from = row;
    while (row < rows.count && isWanted(row)) row += 1;
    if (row > from) runs.push([from, row]);
    count += row - from;
    while (row < rows.count && !isWanted(row)) row += 1;
  }
  if (count === rows.count) return rows;
  const builder = new SegmentBuilder(features, count);
  for (const [from, to] of runs) builder.append(rows, from, to);
  return builder.view();
}
