/** Counts the rows that have a value in a column. */
import type { Column } from './segments.ts';

export function countValues(column: Column, rows: number): number {
  let count = 0;
  switch (column.kind) {
    case 'single': {
      const { codes } = column;
      for (let row = 0; row < rows; row++) if (codes[row] !== 0) count += 1;
      return count;
    }
    case 'multi': {
      const { offsets } = column;
      for (let row = 0; row < rows; row++) if (offsets[row + 1]! > offsets[row]!) count += 1;
      return count;
    }
    case 'number':
    case 'vector': {
      const { size, values } = column;
      for (let row = 0; row < rows; row++) if (!Number.isNaN(values[row * size]!)) count += 1;
      return count;
    }
  }
}
