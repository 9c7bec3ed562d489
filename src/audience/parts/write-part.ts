/** Writes a part of a ranking: the candidates of some segments. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import { assertLittleEndian } from '../format.ts';
import { keyOf, sortByKeys } from '../order.ts';
import { sumsOf } from '../sums.ts';
import {
  DIGIT_BITS,
  DIGITS,
  encodePartSidecar,
  layoutOf,
  NARROW_USERS,
  PART_FILE,
  PART_SIDECAR_FILE,
  type PartCounts,
} from './part-format.ts';

/** Candidates in any order. Each user occurs once, and no score is NaN. The arrays have the same length. */
export interface Candidates {
  readonly userNumbers: Uint32Array;
  readonly scores: Float32Array;
}

/** Working memory for the sorts of parts, which take 16 bytes per candidate. Each sort ends before the next begins. */
export class SortSpace {
  #memory = new ArrayBuffer(0);

  /** Four arrays of `size` numbers of any value, which are valid until the next call. */
  arrays(size: number): readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array] {
    const bytes = size * Uint32Array.BYTES_PER_ELEMENT;
    if (this.#memory.byteLength < 4 * bytes) this.#memory = new ArrayBuffer(4 * bytes);
    const array = (number: number) => new Uint32Array(this.#memory, number * bytes, size);
    return [array(0), array(1), array(2), array(3)];
  }
}

export interface WritePartOptions {
  /** As in `publish`. */
  readonly isReadHere?: boolean;
  readonly space?: SortSpace;
  /** For tests. */
  readonly narrowUsers?: number;
}

/**
 * Writes the candidates as the part `folder`. When the promise resolves, the part is durable. The part is in memory
 * until it is written; candidates that are not in order of their user numbers are copied, 8 bytes each.
 * Rejects with AppError storage_failed.
 */
export async function writePart(
  blobs: Pick<Blobs, 'publish'>,
  folder: string,
  candidates: Candidates,
  { isReadHere = false, space = new SortSpace(), narrowUsers = NARROW_USERS }: WritePartOptions = {},
): Promise<void> {
  const { bytes, counts } = encodePart(candidates, space, narrowUsers);
  const files = new Map<string, NodeJS.ArrayBufferView>([
    [PART_FILE, bytes],
    [PART_SIDECAR_FILE, encodePartSidecar(counts, sumsOf(bytes))],
  ]);
  await blobs.publish(folder, files, { isReadHere });
}

function encodePart(
  { userNumbers, scores }: Candidates,
  space: SortSpace,
  narrowUsers: number,
): { readonly bytes: Uint8Array; readonly counts: PartCounts } {
  assertLittleEndian();
  const size = userNumbers.length;
  const [keys, order, ...spare] = space.arrays(size);
  let users = userNumbers;
  let bits = new Uint32Array(scores.buffer, scores.byteOffset, size);
  if (!isAscending(users)) {
    users = users.slice();
    bits = bits.slice();
    sortByKeys(users, bits, spare);
  }
  const firstUser = size === 0 ? 0 : users[0]!;
  const lastUser = size === 0 ? -1 : users[size - 1]!;
  const buckets = lastUser - firstUser < narrowUsers ? [] : countDigits(users);

  for (let i = 0; i < size; i++) {
    keys[i] = keyOf(bits[i]!);
    order[i] = i;
  }
  sortByKeys(keys, order, spare);
  const bins = countDigits(keys);

  const counts = { candidates: size, bins: bins.length / 2, buckets: buckets.length / 2, firstUser, lastUser };
  const layout = layoutOf(counts);
  const memory = new ArrayBuffer(layout.sizeBytes);
  new Uint32Array(memory, layout.bins, bins.length).set(bins);
  fillEntries(new Uint32Array(memory, layout.entries, 2 * size), order, users, bits);
  if (buckets.length > 0) {
    new Uint32Array(memory, layout.buckets, buckets.length).set(buckets);
    new Uint32Array(memory, layout.scores, size).set(bits);
    const lows = new Uint16Array(memory, layout.lows, size);
    for (let i = 0; i < size; i++) lows[i] = users[i]! & (DIGITS - 1);
  }
  return { bytes: new Uint8Array(memory), counts };
}

function isAscending(users: Uint32Array): boolean {
  for (let i = 1; i < users.length; i++) if (users[i - 1]! > users[i]!) return false;
  return true;
}

/** Pairs of a high digit and the number of values with this digit. The values are ascending. */
function countDigits(values: Uint32Array): number[] {
  const runs: number[] = [];
  let start = 0;
  for (let i = 1; i <= values.length; i++) {
    const digit = values[start]! >>> DIGIT_BITS;
    if (i < values.length && values[i]! >>> DIGIT_BITS === digit) continue;
    runs.push(digit, i - start);
    start = i;
  }
  return runs;
}

function fillEntries(entries: Uint32Array, order: Uint32Array, users: Uint32Array, bits: Uint32Array): void {
  for (let i = 0; i < order.length; i++) {
    const at = order[i]!;
    entries[2 * i] = users[at]!;
    entries[2 * i + 1] = bits[at]!;
  }
}
