/** Caches the most recently used segments, up to a given number of bytes. */
import { LRUCache } from 'lru-cache';
import { type Rows, sizeOfRows } from './segments.ts';

/** A cache of segments. Segments larger than the limit are not stored. */
export class SegmentCache {
  readonly #load: (index: number) => Rows;
  readonly #kept: LRUCache<number, Rows>;

  constructor(maximumBytes: number, load: (index: number) => Rows) {
    this.#load = load;
    this.#kept = new LRUCache({
      maxSize: Math.max(1, maximumBytes),
      sizeCalculation: (rows) => Math.max(1, sizeOfRows(rows)),
    });
  }

  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  /** Returns the segment if it is cached. The call does not count as a use. */
  find(index: number): Rows | undefined {
    return this.#kept.peek(index);
  }

  /** Returns the segment, reading the segment first if it is not cached. */
  get(index: number): Rows {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const rows = this.#load(index);
    this.#kept.set(index, rows);
    return rows;
  }
}
