/**
 * Maps rows to places on disk. A _place_ is `segment * 65,536 + offset`; a segment may have fewer than 65,536 rows, and
 * an update may have left dead rows among them. Readers see only the rows of users. These rows are numbered without
 * gaps, in the order of their places.
 */
import { AppError } from '../../lib/errors.ts';
import type { ManifestSegment } from '../versions/manifest.ts';
import { SEGMENT_ROWS } from './segments.ts';

const WORD_BITS = 32;
const SEGMENT_WORDS = SEGMENT_ROWS / WORD_BITS;

type Segments = readonly Pick<ManifestSegment, 'rows' | 'dead'>[];

export class SegmentLayout {
  /** Indices of the segments on disk that have users. */
  readonly #onDisk: readonly number[];
  readonly #hasDead: readonly boolean[];
  /** First row of each segment in `#onDisk`, followed by the total number of rows. */
  readonly #starts: readonly number[];
  readonly #words: number;
  /** Whether every row number equals its place. */
  readonly isDense: boolean;

  constructor(segments: Segments) {
    const starts = [0];
    const onDisk: number[] = [];
    for (const [i, { rows, dead = 0 }] of segments.entries()) {
      if (rows === dead) continue;
      onDisk.push(i);
      starts.push(starts.at(-1)! + rows - dead);
    }
    this.#onDisk = onDisk;
    this.#starts = starts;
    this.#hasDead = onDisk.map((i) => (segments[i]!.dead ?? 0) > 0);
    this.#words = segments.length * SEGMENT_WORDS;
    this.isDense = segments.every(
      ({ rows, dead }, i) => dead === undefined && (rows === SEGMENT_ROWS || i === segments.length - 1),
    );
  }

  get rowCount(): number {
    return this.#starts.at(-1)!;
  }

  get segmentCount(): number {
    return this.#onDisk.length;
  }

  rowsOf(segment: number): number {
    return this.#starts[segment + 1]! - this.#starts[segment]!;
  }

  onDisk(segment: number): number {
    return this.#onDisk[segment]!;
  }

  hasDead(segment: number): boolean {
    return this.#hasDead[segment]!;
  }

  /**
   * Converts a row to `segment * 65,536 + position`, in which `position` counts only the segment's users. Throws
   * RangeError (a bug) for an invalid row.
   */
  locate(row: number): number {
    const starts = this.#starts;
    if (!(row >= 0 && row < this.rowCount)) throw new RangeError(`row ${row} is not in 0..${this.rowCount - 1}`);
    let [low, high] = [0, starts.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= row) low = middle;
      else high = middle;
    }
    return low * SEGMENT_ROWS + row - starts[low]!;
  }

  /**
   * One bit per place: 1 if the place belongs to a user. `placeOf` contains the place for each user number; -1 for a
   * user without a row.
   */
  markUsers(placeOf: Int32Array): Uint32Array {
    const bits = new Uint32Array(this.#words);
    for (const place of placeOf) if (place >= 0) bits[place >>> 5]! |= 1 << (place & 31);
    return bits;
  }

  /** The bits of a segment, as bytes. */
  usersOf(bits: Uint32Array, segment: number): Uint8Array {
    const first = this.#onDisk[segment]! * SEGMENT_WORDS;
    const own = bits.subarray(first, first + SEGMENT_WORDS);
    return new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
  }

  isUser(bits: Uint32Array, segment: number, offset: number): boolean {
    const place = this.#onDisk[segment]! * SEGMENT_ROWS + offset;
    return (bits[place >>> 5]! & (1 << (place & 31))) !== 0;
  }

  /** Converts the place of each user number to a row. @throws AppError invalid_population, naming `path` */
  toRows(placeOf: Int32Array, bits: Uint32Array, path: string): Int32Array {
    const before = new Int32Array(bits.length + 1);
    for (let i = 0; i < bits.length; i++) before[i + 1] = before[i]! + countBits(bits[i]!);
    if (before.at(-1) !== this.rowCount)
      throw new AppError(
        'invalid_population',
        `${path} has ${before.at(-1)} users, but the version has ${this.rowCount}`,
      );
    return placeOf.map((place) => {
      if (place < 0) return -1;
      const below = bits[place >>> 5]! & ((1 << (place & 31)) - 1);
      return before[place >>> 5]! + countBits(below);
    });
  }
}

function countBits(word: number): number {
  let n = word - ((word >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
