/** Gathers arbitrary rows of a population, segment by segment, into the requested order. */

import type { Feature } from '../../dataset/features.ts';
import { columnOf } from '../../lib/feature-kinds.ts';
import { type Column, type NumberColumn, type Rows, SEGMENT_ROWS } from './segments.ts';

/**
 * Copies the rows `rows[0], rows[1], ...` (repeats are allowed) to new Rows. Each segment is loaded only once. Throws
 * RangeError (a bug) for a row outside 0 .. rowCount - 1.
 */
export function gatherRows(
  rows: Int32Array,
  rowCount: number,
  features: readonly Feature[],
  load: (segment: number) => Rows,
): Rows {
  const { order, starts } = groupBySegment(rows, rowCount);
  const userNumbers = new Int32Array(rows.length);
  const gatherers = features.map((feature) => openGatherer(feature, rows.length));
  for (let segment = 0; segment + 1 < starts.length; segment++) {
    const places = order.subarray(starts[segment]!, starts[segment + 1]!);
    if (places.length === 0) continue;
    const source = load(segment);
    copySingle(source.userNumbers, rows, places, userNumbers);
    for (let i = 0; i < features.length; i++) gatherers[i]!.take(source.columns.get(features[i]!.name)!, rows, places);
  }
  const columns = new Map(features.map(({ name }, i) => [name, gatherers[i]!.finish()]));
  return { count: rows.length, userNumbers, columns };
}

/**
 * The indices of `rows`, sorted by segment (counting sort): the indices for segment s are order[starts[s] .. starts[s +
 * 1]).
 */
function groupBySegment(rows: Int32Array, rowCount: number): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(Math.ceil(rowCount / SEGMENT_ROWS) + 1);
  for (const row of rows) {
    if (row < 0 || row >= rowCount) throw new RangeError(`row ${row} is not in 0..${rowCount - 1}`);
    starts[Math.floor(row / SEGMENT_ROWS) + 1]! += 1;
  }
  for (let s = 1; s < starts.length; s++) starts[s]! += starts[s - 1]!;
  const next = starts.slice();
  const order = new Int32Array(rows.length);
  for (let place = 0; place < rows.length; place++) {
    const segment = Math.floor(rows[place]! / SEGMENT_ROWS);
    order[next[segment]!++] = place;
  }
  return { order, starts };
}

function openGatherer(feature: Feature, count: number): SingleGatherer | ListGatherer | NumberGatherer {
  const [kind, size] = [columnOf(feature.kind), feature.size ?? 1];
  switch (kind) {
    case 'single':
      return new SingleGatherer(count);
    case 'multi':
      return new ListGatherer(count);
    case 'number':
    case 'vector':
      return new NumberGatherer(kind, size, count);
  }
}

class SingleGatherer {
  readonly #codes: Int32Array;

  constructor(count: number) {
    this.#codes = new Int32Array(count);
  }

  take(source: Column, rows: Int32Array, places: Int32Array): void {
    if (source.kind !== 'single') throw new TypeError('one token a row was expected');
    copySingle(source.codes, rows, places, this.#codes);
  }

  finish(): Column {
    return { kind: 'single', codes: this.#codes };
  }
}

class NumberGatherer {
  readonly #kind: NumberColumn['kind'];
  readonly #size: number;
  readonly #values: Float32Array;

  constructor(kind: NumberColumn['kind'], size: number, count: number) {
    this.#kind = kind;
    this.#size = size;
    this.#values = new Float32Array(count * size);
  }

  take(source: Column, rows: Int32Array, places: Int32Array): void {
    if (source.kind !== this.#kind) throw new TypeError('numbers were expected');
    const size = this.#size;
    for (const place of places) {
      const from = (rows[place]! % SEGMENT_ROWS) * size;
      for (let i = 0; i < size; i++) this.#values[place * size + i] = source.values[from + i]!;
    }
  }

  finish(): Column {
    const values = this.#values;
    return this.#kind === 'number' ? { kind: 'number', size: 1, values } : { kind: 'vector', size: this.#size, values };
  }
}

/** Collects lists in segment order; at the end, moves the lists to their positions. */
class ListGatherer {
  readonly #starts: Int32Array;
  readonly #lengths: Int32Array;
  #arrived: Int32Array;
  #used = 0;

  constructor(count: number) {
    this.#starts = new Int32Array(count);
    this.#lengths = new Int32Array(count);
    this.#arrived = new Int32Array(Math.max(1024, 8 * count));
  }

  take(source: Column, rows: Int32Array, places: Int32Array): void {
    if (source.kind !== 'multi') throw new TypeError('a list was expected');
    for (const place of places) {
      const row = rows[place]! % SEGMENT_ROWS;
      const from = source.offsets[row]!;
      const length = source.offsets[row + 1]! - from;
      this.#reserve(length);
      for (let i = 0; i < length; i++) this.#arrived[this.#used + i] = source.codes[from + i]!;
      this.#starts[place] = this.#used;
      this.#lengths[place] = length;
      this.#used += length;
    }
  }

  finish(): Column {
    const count = this.#starts.length;
    const offsets = new Int32Array(count + 1);
    const codes = new Int32Array(this.#used);
    for (let place = 0, at = 0; place < count; place++) {
      const start = this.#starts[place]!;
      for (let end = start + this.#lengths[place]!, i = start; i < end; i++) codes[at++] = this.#arrived[i]!;
      offsets[place + 1] = at;
    }
    return { kind: 'multi', offsets, codes };
  }

  #reserve(length: number): void {
    if (this.#used + length <= this.#arrived.length) return;
    const grown = new Int32Array(2 * (this.#used + length));
    grown.set(this.#arrived);
    this.#arrived = grown;
  }
}

function copySingle(source: Int32Array, rows: Int32Array, places: Int32Array, out: Int32Array): void {
  for (const place of places) out[place] = source[rows[place]! % SEGMENT_ROWS]!;
}
