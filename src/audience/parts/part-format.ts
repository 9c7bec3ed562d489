/**
 * The format of a part of a ranking: the candidates of some segments, in the ranking's order, with a histogram of their
 * keys. All numbers are little endian.
 */
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import { decodeSums, encodeSums, SUM_BLOCK_BYTES, type Sums } from '../sums.ts';

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

export function encodePartSidecar({ candidates, bins, buckets, firstUser, lastUser }: PartCounts, sums: Sums): Buffer {
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
