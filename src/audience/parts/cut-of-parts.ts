/** Finds where an audience of a given size ends in the ranking of some parts, without merging them. */
import type { Cut } from '../cut.ts';
import { keyOf } from '../order.ts';
import { DIGIT_BITS, DIGITS, ENTRY_BYTES } from './part-format.ts';
import type { ErasedUsers, RankingPart } from './ranking-part.ts';
import { countDigits, countNext, LEVELS, type Prefix, readPrefix } from './slices.ts';

/** Number of entries that are read at a time (512 KiB). */
const BUFFER_ENTRIES = 2 ** 19 / ENTRY_BYTES;

/**
 * Returns the cut for the first `size` ranks of the merged ranking, or for all candidates if there are fewer; equal to
 * `cutAt` of that ranking. The histograms say in which bin the audience ends, and only the entries of this bin are
 * read. The merge would leave out the users in `erased`; parts that may contain one of them are read as a whole.
 * Rejects with AppError storage_failed.
 */
export async function cutOfParts(parts: readonly RankingPart[], size: number, erased: ErasedUsers): Promise<Cut> {
  const left = await countBins(parts, erased);
  const held = Math.min(
    size,
    left.reduce((sum, count) => sum + count, 0),
  );
  if (held < 1) return { size: 0, score: Number.POSITIVE_INFINITY, userNumber: -1 };
  let prefix: Prefix = [];
  let rank = held;
  let counts = left;
  for (;;) {
    const digit = digitOfRank(counts, rank);
    for (let i = 0; i < digit; i++) rank -= counts[i]!;
    prefix = [...prefix, digit];
    if (prefix.length === LEVELS) break;
    counts = new Float64Array(DIGITS);
    const level = prefix.length;
    await readPrefix(parts, prefix, BUFFER_ENTRIES, (entries) => countDigits(without(entries, erased), level, counts));
  }
  const last = new Uint32Array(2);
  await readPrefix(parts, prefix, BUFFER_ENTRIES, (entries) => last.set(entries));
  return { size: held, score: new Float32Array(last.buffer)[1]!, userNumber: last[0]! };
}

/** The digit of the entry with this rank, counted from 1. */
function digitOfRank(counts: Float64Array, rank: number): number {
  let before = 0;
  return counts.findIndex((count) => {
    before += count;
    return before >= rank;
  });
}

/** Number of candidates by the high digit of their key, without erased users. */
async function countBins(parts: readonly RankingPart[], erased: ErasedUsers): Promise<Float64Array> {
  const counts = await countNext(parts, [], BUFFER_ENTRIES);
  const numbers = [...erased.numbers];
  for (const part of parts) {
    const { firstUser, lastUser, candidates } = part.counts;
    if (!numbers.some((number) => number >= firstUser && number <= lastUser)) continue;
    const block = new Uint32Array(2 * Math.min(BUFFER_ENTRIES, candidates));
    for (let at = 0; at < candidates; at += BUFFER_ENTRIES) {
      const entries = block.subarray(0, 2 * Math.min(BUFFER_ENTRIES, candidates - at));
      await part.readEntries(entries, at);
      for (let i = 0; i < entries.length; i += 2)
        if (erased.has(entries[i]!)) counts[keyOf(entries[i + 1]!) >>> DIGIT_BITS]! -= 1;
    }
  }
  return counts;
}

/** The entries of users who are not erased. */
function without(entries: Uint32Array, erased: Pick<ErasedUsers, 'has'>): Uint32Array {
  const kept = new Uint32Array(entries.length);
  let count = 0;
  for (let i = 0; i < entries.length; i += 2) {
    if (erased.has(entries[i]!)) continue;
    kept[count++] = entries[i]!;
    kept[count++] = entries[i + 1]!;
  }
  return kept.subarray(0, count);
}
