/**
 * Divides the merged order of parts into slices of limited size, by the digits of (key, user number). The first digit
 * comes from the histograms of the parts. A slice that is still too large is divided by the next digit, for which its
 * entries are read.
 */
import { assert } from '../../lib/errors.ts';
import { keyOf } from '../order.ts';
import { type Boundary, EntryReader, type RankingPart } from './ranking-part.ts';
import { DIGIT_BITS, DIGITS } from './write-part.ts';

/** Levels of digits: high and low digit of the key, high and low digit of the user number. */
const LEVELS = 4;

/**
 * The values of the digits above a level. Entries with these digits are consecutive in the order; the empty prefix
 * matches all entries.
 */
type Prefix = readonly number[];

/** The beginning of the entries with a prefix. */
function startOf(prefix: Prefix): Boundary {
  const [keyHigh = 0, keyLow = 0, userHigh = 0, userLow = 0] = prefix;
  return { key: keyHigh * DIGITS + keyLow, user: userHigh * DIGITS + userLow };
}

/** The end of the entries with a prefix. */
function endOf(prefix: Prefix): Boundary {
  if (prefix.length === 0) return { key: DIGITS * DIGITS, user: 0 };
  const next = prefix.with(-1, prefix.at(-1)! + 1);
  const { key, user } = startOf(next);
  return user < DIGITS * DIGITS ? { key, user } : { key: key + 1, user: 0 };
}

/** Number of entries by the digit at a level. */
function countDigits(entries: Uint32Array, level: number, counts: Float64Array): void {
  for (let i = 0; i < entries.length; i += 2) {
    const value = level < 2 ? keyOf(entries[i + 1]!) : entries[i]!;
    counts[level % 2 === 0 ? value >>> DIGIT_BITS : value & (DIGITS - 1)]! += 1;
  }
}

/** Reads the entries with a prefix of at least one digit, part by part. */
async function readPrefix(
  parts: readonly RankingPart[],
  prefix: Prefix,
  bufferEntries: number,
  take: (entries: Uint32Array) => void,
): Promise<void> {
  assert(prefix.length > 0, 'a prefix selects a bin');
  const [bin] = prefix as readonly [number];
  for (const part of parts) {
    const count = part.countBelow(bin + 1) - part.countBelow(bin);
    if (count === 0) continue;
    const reader = new EntryReader(part, Math.min(count, bufferEntries), part.countBelow(bin));
    await reader.takeUntil(startOf(prefix), () => {});
    await reader.takeUntil(endOf(prefix), take);
  }
}

/** Number of entries with a prefix, by their next digit. */
async function countNext(parts: readonly RankingPart[], prefix: Prefix, bufferEntries: number): Promise<Float64Array> {
  const counts = new Float64Array(DIGITS);
  if (prefix.length === 0) {
    for (const { bins } of parts) for (let i = 0; i < bins.length; i += 2) counts[bins[i]!]! += bins[i + 1]!;
  } else {
    await readPrefix(parts, prefix, bufferEntries, (entries) => countDigits(entries, prefix.length, counts));
  }
  return counts;
}

/** Yields the end of each slice, in order. A slice has at least one and at most `limit` entries. */
export async function* sliceEnds(
  parts: readonly RankingPart[],
  { limit, bufferEntries }: { readonly limit: number; readonly bufferEntries: number },
  prefix: Prefix = [],
): AsyncGenerator<Boundary, void, void> {
  const counts = await countNext(parts, prefix, bufferEntries);
  let total = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = counts[digit]!;
    if (count === 0) continue;
    const inner = [...prefix, digit];
    if (total > 0 && total + count > limit) {
      yield startOf(inner);
      total = 0;
    }
    if (count <= limit) total += count;
    else {
      assert(inner.length < LEVELS, 'no two entries of the parts have the same user');
      yield* sliceEnds(parts, { limit, bufferEntries }, inner);
    }
  }
  if (total > 0) yield endOf(prefix);
}
