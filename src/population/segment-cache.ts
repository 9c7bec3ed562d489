/** Keeps the segments that were read last, up to a number of bytes. */
import { LruCache } from '../lib/lru-cache.ts';
import { type Rows, sizeOfRows } from './segments.ts';

/** A segment that is larger than the limit is not kept. */
export class SegmentCache {
  readonly #load: (index: number) => Rows;
  readonly #kept: LruCache<number, Rows>;

  constructor(maximumBytes: number, load: (index: number) => Rows) {
    this.#load = load;
    this.#kept = new LruCache({ maximum: maximumBytes, sizeOf: sizeOfRows });
  }

  get bytes(): number {
    return this.#kept.size;
  }

  /** The segment if it is kept; asking does not keep it. */
  find(index: number): Rows | undefined {
    return this.#kept.peek(index);
  }

  /** The segment, read if it is not kept. */
  get(index: number): Rows {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const rows = this.#load(index);
    this.#kept.add(index, rows);
    return rows;
  }
}
