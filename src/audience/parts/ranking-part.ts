/** Reads a part of a ranking: its histogram, its entries in the ranking's order, and its scores in order of user. */
import { type BlobReader, type OpenBlob, untilRead } from '../../domain/ports/blobs.ts';
import { assertLittleEndian } from '../format.ts';
import { keyOf } from '../order.ts';
import { CheckedBlob } from '../sums.ts';
import {
  DIGIT_BITS,
  damagedPart,
  decodePartSidecar,
  ENTRY_BYTES,
  layoutOf,
  PAIR_BYTES,
  PART_FILE,
  PART_SIDECAR_FILE,
  type PartCounts,
  type PartLayout,
} from './write-part.ts';

/** Number of entries that are read at a time where a part is read from its beginning to its end (512 KiB). */
const BLOCK_ENTRIES = 65_536;

/** The folder of a part, which the number of a claim names, is published once. */
const FINAL = { isFinal: true };

/** The erased users of a population. They are left out of rankings, although parts may contain them. */
export interface ErasedUsers {
  readonly numbers: Iterable<number>;
  has(userNumber: number): boolean;
}

/** A part. Each block of its file is verified when it is read. The caller that opened it must close it. */
export class RankingPart {
  readonly counts: PartCounts;
  readonly #folder: string;
  readonly #blob: OpenBlob;
  readonly #layout: PartLayout;
  /** Pairs (bin, count), ascending by bin. */
  readonly bins: Uint32Array;
  readonly #buckets: Uint32Array;

  private constructor(
    folder: string,
    blob: OpenBlob,
    counts: PartCounts,
    { bins, buckets }: { readonly bins: Uint32Array; readonly buckets: Uint32Array },
  ) {
    this.#folder = folder;
    this.#blob = blob;
    this.counts = counts;
    this.#layout = layoutOf(counts);
    this.bins = bins;
    this.#buckets = buckets;
  }

  /** Opens a part and reads its histogram. Rejects with AppError storage_failed if the part is missing or damaged. */
  static async open(blobs: Pick<BlobReader, 'open' | 'read'>, folder: string): Promise<RankingPart> {
    assertLittleEndian();
    const { counts, sums } = decodePartSidecar(folder, await blobs.read(folder, PART_SIDECAR_FILE, FINAL));
    const blob = await blobs.open(folder, PART_FILE, { ...FINAL, isReadOnce: true });
    try {
      const layout = layoutOf(counts);
      if (blob.sizeBytes !== layout.sizeBytes)
        throw damagedPart(folder, `${PART_FILE} has ${blob.sizeBytes} bytes, not ${layout.sizeBytes}`);
      const checked = new CheckedBlob(blob, sums, (block) =>
        damagedPart(folder, `block ${block} of ${PART_FILE} does not match its checksum`),
      );
      const pairs = async (count: number, position: number) => {
        const read = new Uint32Array((count * PAIR_BYTES) / Uint32Array.BYTES_PER_ELEMENT);
        await fill(checked, read, position, folder);
        return read;
      };
      const bins = await pairs(counts.bins, layout.bins);
      return new RankingPart(folder, checked, counts, { bins, buckets: await pairs(counts.buckets, layout.buckets) });
    } catch (error) {
      blob.close();
      throw error;
    }
  }

  /** Reads entries in the ranking's order, as pairs (user number, bits of the score). */
  readEntries(into: Uint32Array, from: number): void | Promise<void> {
    return fill(this.#blob, into, this.#layout.entries + from * ENTRY_BYTES, this.#folder);
  }

  /** Number of entries whose key has a lower high digit than `bin`. */
  countBelow(bin: number): number {
    let count = 0;
    for (let i = 0; i < this.bins.length && this.bins[i]! < bin; i += 2) count += this.bins[i + 1]!;
    return count;
  }

  /** Copies the scores of the users `firstUser` and following into `window`, by user number. */
  async copyScores(window: Float32Array, firstUser: number): Promise<void> {
    const { candidates, buckets, firstUser: lowest, lastUser } = this.counts;
    if (candidates === 0 || lastUser < firstUser || lowest >= firstUser + window.length) return;
    const bits = new Uint32Array(window.buffer, window.byteOffset, window.length);
    if (buckets > 0) await this.#copyBuckets(bits, firstUser);
    else await this.#copyEntries(bits, firstUser);
  }

  close(): void {
    this.#blob.close();
  }

  async #copyEntries(window: Uint32Array, firstUser: number): Promise<void> {
    const { candidates } = this.counts;
    const block = new Uint32Array(2 * Math.min(BLOCK_ENTRIES, candidates));
    for (let at = 0; at < candidates; at += BLOCK_ENTRIES) {
      const entries = block.subarray(0, 2 * Math.min(BLOCK_ENTRIES, candidates - at));
      await this.readEntries(entries, at);
      spread(entries, window, firstUser);
    }
  }

  async #copyBuckets(window: Uint32Array, firstUser: number): Promise<void> {
    const last = firstUser + window.length - 1;
    let at = 0;
    for (let i = 0; i < this.#buckets.length; i += 2) {
      const bucket = this.#buckets[i]!;
      const count = this.#buckets[i + 1]!;
      if (bucket > last >>> DIGIT_BITS) return;
      if (bucket >= firstUser >>> DIGIT_BITS) {
        const bits = new Uint32Array(count);
        const lows = new Uint16Array(count);
        await fill(this.#blob, bits, this.#layout.scores + at * bits.BYTES_PER_ELEMENT, this.#folder);
        await fill(this.#blob, lows, this.#layout.lows + at * lows.BYTES_PER_ELEMENT, this.#folder);
        spreadBucket(bits, lows, window, bucket * 2 ** DIGIT_BITS - firstUser);
      }
      at += count;
    }
  }
}

function spread(entries: Uint32Array, window: Uint32Array, firstUser: number): void {
  for (let i = 0; i < entries.length; i += 2) {
    const at = entries[i]! - firstUser;
    if (at >= 0 && at < window.length) window[at] = entries[i + 1]!;
  }
}

function spreadBucket(bits: Uint32Array, lows: Uint16Array, window: Uint32Array, start: number): void {
  for (let i = 0; i < lows.length; i++) {
    const at = start + lows[i]!;
    if (at >= 0 && at < window.length) window[at] = bits[i]!;
  }
}

/** Fills `target` from a position; returns a promise only if bytes have to be fetched. */
function fill(
  blob: Pick<OpenBlob, 'read'>,
  target: Uint32Array | Uint16Array,
  position: number,
  folder: string,
): void | Promise<void> {
  if (target.length === 0) return;
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  return untilRead(() => {
    const read = blob.read(bytes, position);
    if (read < bytes.length) throw damagedPart(folder, `${PART_FILE} ends at byte ${position + read}`);
  });
}

/** A place in the ranking's order: before all entries with a higher key, or an equal key and at least this user. */
export interface Boundary {
  readonly key: number;
  readonly user: number;
}

/** Reads the entries of a part in order, from one boundary to the next, through a buffer. */
export class EntryReader {
  readonly #part: RankingPart;
  readonly #buffer: Uint32Array;
  /** The part of the buffer that was read but not taken yet, in entries. */
  #at = 0;
  #end = 0;
  /** The next entry to read from the file. */
  #next: number;

  /** Begins at the entry `from`, and reads `bufferEntries` entries at a time. */
  constructor(part: RankingPart, bufferEntries: number, from = 0) {
    this.#part = part;
    this.#buffer = new Uint32Array(2 * Math.max(1, Math.min(bufferEntries, part.counts.candidates - from)));
    this.#next = from;
  }

  /** Calls `take` with blocks of entries, pairs (user number, bits), until the boundary or the end of the part. */
  async takeUntil(boundary: Boundary, take: (entries: Uint32Array) => void): Promise<void> {
    for (;;) {
      if (this.#at === this.#end && !(await this.#read())) return;
      const end = lowerBound(this.#buffer, this.#at, this.#end, boundary);
      if (end > this.#at) take(this.#buffer.subarray(2 * this.#at, 2 * end));
      this.#at = end;
      if (end < this.#end) return;
    }
  }

  async #read(): Promise<boolean> {
    const count = Math.min(this.#buffer.length / 2, this.#part.counts.candidates - this.#next);
    if (count === 0) return false;
    await this.#part.readEntries(this.#buffer.subarray(0, 2 * count), this.#next);
    this.#next += count;
    this.#at = 0;
    this.#end = count;
    return true;
  }
}

/** The first entry in `from` .. `to` that is not before the boundary. */
function lowerBound(entries: Uint32Array, from: number, to: number, { key, user }: Boundary): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = low + ((high - low) >>> 1);
    const other = keyOf(entries[2 * middle + 1]!);
    if (other < key || (other === key && entries[2 * middle]! < user)) low = middle + 1;
    else high = middle;
  }
  return low;
}
