/** Collects rows, one token at a time, into the columns of a segment. */

import type { Feature } from '../../dataset/features.ts';
import type { Code, UserNumber } from '../../lib/brands.ts';
import { columnOf } from '../../lib/feature-kinds.ts';
import { type Column, isTokenColumn, type Rows, SEGMENT_ROWS } from '../read/segments.ts';

const INITIAL_CODES = 65_536;

/** Builds one feature's column; `push` adds a token's code or a number to the open row. */
export class ColumnBuilder {
  readonly #feature: Feature;
  #values: Int32Array | Float32Array;
  #used = 0;
  /** The end offset of each row; empty if all rows have the same number of values. */
  readonly #offsets: Int32Array;
  #rows = 0;

  constructor(feature: Feature, capacity: number) {
    this.#feature = feature;
    this.#offsets = new Int32Array(columnOf(feature.kind) === 'multi' ? capacity + 1 : 0);
    this.#values = initialValues(feature, capacity);
  }

  push(value: Code | number): void {
    if (this.#used === this.#values.length) this.#reserve(1);
    this.#values[this.#used++] = value;
  }

  /** Adds complete rows from a column of the same kind. Do not call `endRow` for these rows. */
  append(column: Column, from: number, to: number): void {
    const { size = 1 } = this.#feature;
    const isList = column.kind === 'multi';
    const values = isTokenColumn(column) ? column.codes : column.values;
    const [start, end] = isList ? [column.offsets[from]!, column.offsets[to]!] : [from * size, to * size];
    this.#reserve(end - start);
    this.#values.set(values.subarray(start, end), this.#used);
    if (isList) {
      const shift = this.#used - start;
      for (let row = from; row < to; row++)
        this.#offsets[this.#rows + row - from + 1] = column.offsets[row + 1]! + shift;
    }
    this.#used += end - start;
    this.#rows += to - from;
  }

  endRow(): void {
    this.#rows += 1;
    if (this.#offsets.length > 0) this.#offsets[this.#rows] = this.#used;
  }

  view(): Column {
    const { size = 1 } = this.#feature;
    const kind = columnOf(this.#feature.kind);
    const values = this.#values.subarray(0, this.#used);
    switch (kind) {
      case 'single':
        return { kind, codes: values as Int32Array };
      case 'multi':
        return { kind, offsets: this.#offsets.subarray(0, this.#rows + 1), codes: values as Int32Array };
      case 'number':
        return { kind, size: 1, values: values as Float32Array };
      case 'vector':
        return { kind, size, values: values as Float32Array };
    }
  }

  clear(): void {
    this.#used = 0;
    this.#rows = 0;
  }

  #reserve(more: number): void {
    const needed = this.#used + more;
    if (needed <= this.#values.length) return;
    const length = Math.max(2 * this.#values.length, needed);
    const grown = this.#values instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
    grown.set(this.#values);
    this.#values = grown;
  }
}

function initialValues({ kind, size = 1 }: Feature, capacity: number): Int32Array | Float32Array {
  switch (columnOf(kind)) {
    case 'single':
      return new Int32Array(capacity);
    case 'multi':
      return new Int32Array(INITIAL_CODES);
    case 'number':
    case 'vector':
      return new Float32Array(capacity * size);
  }
}

/**
 * Builds the rows of a segment. For each row, `push` values to each column (one for `single` and `number`, any number
 * for `multi`, exactly `size` for `vector`), and then call `endRow`.
 */
export class SegmentBuilder {
  readonly columns: readonly ColumnBuilder[];
  readonly #features: readonly Feature[];
  readonly #userNumbers: Int32Array;
  #count = 0;

  constructor(features: readonly Feature[], capacity: number = SEGMENT_ROWS) {
    this.#features = features;
    this.#userNumbers = new Int32Array(capacity);
    this.columns = features.map((feature) => new ColumnBuilder(feature, capacity));
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.#userNumbers.length;
  }

  endRow(userNumber: UserNumber): void {
    this.#userNumbers[this.#count++] = userNumber;
    for (const column of this.columns) column.endRow();
  }

  /** Adds rows `from` to `to` of `rows`. The segment must have space for these rows. */
  append(rows: Rows, from: number, to: number): void {
    this.#userNumbers.set(rows.userNumbers.subarray(from, to), this.#count);
    for (const [i, { name }] of this.#features.entries()) this.columns[i]!.append(rows.columns.get(name)!, from, to);
    this.#count += to - from;
  }

  /** Views of the rows so far, valid until `clear`. */
  view(): Rows {
    const columns = new Map(this.#features.map(({ name }, i) => [name, this.columns[i]!.view()]));
    return { count: this.#count, userNumbers: this.#userNumbers.subarray(0, this.#count), columns };
  }

  clear(): void {
    this.#count = 0;
    for (const column of this.columns) column.clear();
  }
}

/** The rows for which `isWanted` returns true, in order. Returns copies unless all rows are wanted. */
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
