/** Keeps the segments that were read last, up to a number of bytes. */
import { type Rows, sizeOfRows } from './segments.ts';

/** Least recently used segments leave first; one that is larger than the limit is not kept. */
export class SegmentCache {
  readonly #maximumBytes: number;
  readonly #load: (index: number) => Rows;
  /** In the order of use, the latest last. */
  readonly #kept = new Map<number, Rows>();
  #bytes = 0;

  constructor(maximumBytes: number, load: (index: number) => Rows) {
    this.#maximumBytes = maximumBytes;
    this.#load = load;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The segment if it is kept; asking does not keep it. */
  find(index: number): Rows | undefined {
    return this.#kept.get(index);
  }

  /** The segment, read if it is not kept. */
  get(index: number): Rows {
    const kept = this.#kept.get(index);
    if (kept) {
      this.#kept.delete(index);
      this.#kept.set(index, kept);
      return kept;
    }
    const rows = this.#load(index);
    this.#keep(index, rows);
    return rows;
  }

  #keep(index: number, rows: Rows): void {
    const size = sizeOfRows(rows);
    if (size > this.#maximumBytes) return;
    this.#kept.set(index, rows);
    this.#bytes += size;
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= this.#maximumBytes) return;
      this.#bytes -= sizeOfRows(old);
      this.#kept.delete(oldest);
    }
  }
}
