/** Caches the most recently read segments, up to a number of bytes. */
import { LRUCache } from 'lru-cache';
import { type Rows, sizeOfRows } from './segments.ts';

/** A cache of segments, which does not store segments larger than the limit. */
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

  /** Returns a cached segment, if there is one; the call does not count as a use. */
  find(index: number): Rows | undefined {
    return this.#kept.peek(index);
  }

  /** Returns the segment, and reads it if it is not cached. */
  get(index: number): Rows {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const rows = this.#load(index);
    this.#kept.set(index, rows);
    return rows;
  }
}
