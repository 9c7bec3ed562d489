/** Collects rows, one token at a time, into the columns of a segment. */

import type { Feature } from '../dataset/features.ts';
import type { Code, UserNumber } from '../lib/brands.ts';
import { unreachable } from '../lib/errors.ts';
import type { FeatureKind } from '../lib/feature-kinds.ts';
import { type Column, type Rows, SEGMENT_ROWS } from './segments.ts';

const INITIAL_CODES = 65_536;

/** The column of one feature while it is filled; `push` adds a token to the row that is open. */
export class ColumnBuilder {
  readonly kind: FeatureKind;
  #codes: Int32Array;
  #used = 0;
  /** Empty where every row has one code. */
  readonly #offsets: Int32Array;
  #rows = 0;

  constructor(kind: FeatureKind, capacity: number) {
    this.kind = kind;
    switch (kind) {
      case 'single':
        this.#codes = new Int32Array(capacity);
        this.#offsets = new Int32Array(0);
        break;
      case 'multi':
        this.#codes = new Int32Array(INITIAL_CODES);
        this.#offsets = new Int32Array(capacity + 1);
        break;
      default:
        unreachable(kind);
    }
  }

  push(code: Code): void {
    if (this.#used === this.#codes.length) {
      const grown = new Int32Array(2 * this.#used);
      grown.set(this.#codes);
      this.#codes = grown;
    }
    this.#codes[this.#used++] = code;
  }

  endRow(): void {
    this.#rows += 1;
    if (this.#offsets.length > 0) this.#offsets[this.#rows] = this.#used;
  }

  view(): Column {
    const codes = this.#codes.subarray(0, this.#used);
    switch (this.kind) {
      case 'single':
        return { kind: 'single', codes };
      case 'multi':
        return { kind: 'multi', offsets: this.#offsets.subarray(0, this.#rows + 1), codes };
    }
  }

  clear(): void {
    this.#used = 0;
    this.#rows = 0;
  }
}

/**
 * The rows of a segment while it is filled. A row is: a `push` to each column (one for a single one, any for a multi
 * one), then `endRow`.
 */
export class SegmentBuilder {
  readonly columns: readonly ColumnBuilder[];
  readonly #features: readonly Feature[];
  readonly #userNumbers: Int32Array;
  #count = 0;

  constructor(features: readonly Feature[], capacity: number = SEGMENT_ROWS) {
    this.#features = features;
    this.#userNumbers = new Int32Array(capacity);
    this.columns = features.map(({ kind }) => new ColumnBuilder(kind, capacity));
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

  /** The rows so far: views, valid until `clear`. */
  view(): Rows {
    const columns = new Map(this.#features.map(({ name }, i) => [name, this.columns[i]!.view()]));
    return { count: this.#count, userNumbers: this.#userNumbers.subarray(0, this.#count), columns };
  }

  clear(): void {
    this.#count = 0;
    for (const column of this.columns) column.clear();
  }
}
