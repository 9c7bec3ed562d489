/** Counts the rows that have a value in a column. */
import type { Column } from './segments.ts';

export function countValues(column: Column, rows: number): number {
  switch (column.kind) {
    case 'single':
      return countWhere(rows, (row) => column.codes[row] !== 0);
    case 'multi':
      return countWhere(rows, (row) => column.offsets[row + 1]! > column.offsets[row]!);
    case 'number':
    case 'vector':
      return countWhere(rows, (row) => !Number.isNaN(column.values[row * column.size]!));
  }
}

function countWhere(rows: number, hasValue: (row: number) => boolean): number {
  let count = 0;
  for (let row = 0; row < rows; row++) if (hasValue(row)) count += 1;
  return count;
}
