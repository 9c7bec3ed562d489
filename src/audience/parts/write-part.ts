/** Writes a part of a ranking, the candidates of some segments, and defines the format of parts. */

import { z } from 'zod';
import type { Blobs } from '../../domain/ports/blobs.ts';
import { AppError } from '../../lib/errors.ts';
import { assertLittleEndian } from '../format.ts';
import { keyOf, sortByKeys } from '../order.ts';
import { decodeSums, encodeSums, SUM_BLOCK_BYTES, type Sums, sumsOf } from '../sums.ts';

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

/** The file of a part's numbers. */
export const PART_FILE = 'part.bin';
/** The file that describes `PART_FILE`. */
export const PART_SIDECAR_FILE = 'part.json';

const CONTRACT = 1;

/** Number of bits of a digit. Keys and user numbers have two digits each. */
export const DIGIT_BITS = 16;
/** Number of bins of a histogram, and number of users in a bucket. */
export const DIGITS = 1 << DIGIT_BITS;

/** Bytes of an entry: user number (uint32), score (float32). */
export const ENTRY_BYTES = 8;
/** Bytes of a pair: bin or bucket (uint32), number of entries (uint32). */
export const PAIR_BYTES = 8;

/**
 * A part whose user numbers span at most this many numbers has no buckets, because a reader that needs its users in
 * order of number can read the whole part into an array of this size.
 */
export const NARROW_USERS = 2 ** 22;

/** The sections of `PART_FILE`, in order. */
export interface PartCounts {
  readonly candidates: number;
  /** Number of bins with candidates. */
  readonly bins: number;
  /** Number of buckets with candidates; 0 if the part is narrow. */
  readonly buckets: number;
  /** The lowest and the highest user number; 0 and -1 if the part is empty. */
  readonly firstUser: number;
  readonly lastUser: number;
}

/** Positions of the sections, in bytes. */
export interface PartLayout {
  /** Pairs (bin, count): the number of candidates by the high digit of the key, ascending. */
  readonly bins: number;
  /** Entries (user number, score) in the ranking's order. */
  readonly entries: number;
  /** Pairs (bucket, count): the number of candidates by the high digit of the user number, ascending. */
  readonly buckets: number;
  /** Scores in order of user number. */
  readonly scores: number;
  /** The low digits of the user numbers (uint16), ascending. */
  readonly lows: number;
  readonly sizeBytes: number;
}

/**
 * The format of a part of a ranking: the candidates of some segments, in the ranking's order, with a histogram of their
 * keys. All numbers are little endian.
 */
export function layoutOf({ candidates, bins, buckets }: PartCounts): PartLayout {
  const entries = bins * PAIR_BYTES;
  const ofBuckets = entries + candidates * ENTRY_BYTES;
  const scores = ofBuckets + buckets * PAIR_BYTES;
  const byUser = buckets > 0 ? candidates : 0;
  const lows = scores + byUser * Float32Array.BYTES_PER_ELEMENT;
  const sizeBytes = lows + byUser * Uint16Array.BYTES_PER_ELEMENT;
  return { bins: 0, entries, buckets: ofBuckets, scores, lows, sizeBytes };
}

const count = z.int().min(0).max(0xffffffff);
const schema = z.strictObject({
  contract: z.literal(CONTRACT),
  candidates: count,
  bins: count,
  buckets: count,
  first_user: count,
  last_user: z.int().min(-1).max(0xffffffff),
  crc32: z.strictObject({ block_bytes: z.literal(SUM_BLOCK_BYTES), [PART_FILE]: z.string() }),
});

function encodePartSidecar({ candidates, bins, buckets, firstUser, lastUser }: PartCounts, sums: Sums): Buffer {
  const sidecar: z.input<typeof schema> = {
    contract: CONTRACT,
    candidates,
    bins,
    buckets,
    first_user: firstUser,
    last_user: lastUser,
    crc32: { block_bytes: SUM_BLOCK_BYTES, [PART_FILE]: encodeSums(sums) },
  };
  return Buffer.from(`${JSON.stringify(sidecar)}\n`);
}

/** Reads a sidecar. @throws AppError storage_failed if it is damaged */
export function decodePartSidecar(
  folder: string,
  bytes: Uint8Array,
): { readonly counts: PartCounts; readonly sums: Sums } {
  const facts = schema.safeParse(parsed(bytes)).data;
  if (facts === undefined) throw damagedPart(folder, `${PART_SIDECAR_FILE} does not have contract ${CONTRACT}`);
  const { candidates, bins, buckets, first_user: firstUser, last_user: lastUser } = facts;
  const counts = { candidates, bins, buckets, firstUser, lastUser };
  const sums = decodeSums(facts.crc32[PART_FILE], layoutOf(counts).sizeBytes);
  if (sums === null) throw damagedPart(folder, `${PART_SIDECAR_FILE} does not contain valid checksums`);
  return { counts, sums };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}

/** The error for a part with invalid contents. */
export function damagedPart(folder: string, what: string): AppError {
  return new AppError('storage_failed', `part ${folder} of a ranking is damaged: ${what}`, {
    facts: { damaged: true },
  });
}
