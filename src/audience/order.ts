/**
 * Sorts users by score descending and user number ascending. The radix sort on order-preserving keys needs no object
 * per user.
 */

const BITS = 11;
const BUCKETS = 1 << BITS;
const MASK = BUCKETS - 1;
const PASSES = 3;

/**
 * Returns the user numbers of all candidates in rank order. `scores` is indexed by user number; NaN means that the user
 * is not a candidate. -0 and 0 are equal. Time and memory are linear: three passes of 11 bits, and 16 bytes of working
 * memory per candidate.
 */
export function orderOf(scores: Float32Array): Uint32Array {
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
  let keys = new Uint32Array(countCandidates(bits));
  let users = new Uint32Array(keys.length);
  const counts = new Uint32Array(PASSES * BUCKETS);
  collect(bits, keys, users, counts);

  let spareKeys = new Uint32Array(keys.length);
  let spareUsers = new Uint32Array(keys.length);
  for (let pass = 0; pass < PASSES; pass++) {
    const starts = counts.subarray(pass * BUCKETS, (pass + 1) * BUCKETS);
    if (!toStarts(starts)) continue;
    scatter(keys, users, spareKeys, spareUsers, starts, pass * BITS);
    [keys, spareKeys] = [spareKeys, keys];
    [users, spareUsers] = [spareUsers, users];
  }
  return users;
}

function countCandidates(bits: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7fffffff) <= 0x7f800000) count++;
  return count;
}

/**
 * Fills in the keys and user numbers, and counts the entries in the buckets of each pass. Higher keys mean lower
 * scores.
 */
function collect(bits: Uint32Array, keys: Uint32Array, users: Uint32Array, counts: Uint32Array): void {
  let at = 0;
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    if ((b & 0x7fffffff) > 0x7f800000) continue;
    const key = keyOf(b);
    keys[at] = key;
    users[at++] = i;
    counts[key & MASK]!++;
    counts[BUCKETS + ((key >>> BITS) & MASK)]!++;
    counts[2 * BUCKETS + (key >>> (2 * BITS))]!++;
  }
}

/**
 * The key of a score, given its bits; a higher key means a lower score. Positive floats have the same order as their
 * bits, and negative floats have the reverse order; -0 gets the key of 0.
 */
export function keyOf(bits: number): number {
  return bits < 0x80000000 ? 0x7fffffff - bits : bits === 0x80000000 ? 0x7fffffff : bits;
}

/**
 * Sorts the entries of both arrays by `keys` ascending; entries with equal keys keep their order. `spare` is working
 * memory of the same lengths.
 */
export function sortByKeys(keys: Uint32Array, values: Uint32Array, spare: readonly [Uint32Array, Uint32Array]): void {
  const counts = new Uint32Array(PASSES * BUCKETS);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    counts[key & MASK]!++;
    counts[BUCKETS + ((key >>> BITS) & MASK)]!++;
    counts[2 * BUCKETS + (key >>> (2 * BITS))]!++;
  }
  let from: readonly [Uint32Array, Uint32Array] = [keys, values];
  let to = spare;
  for (let pass = 0; pass < PASSES; pass++) {
    const starts = counts.subarray(pass * BUCKETS, (pass + 1) * BUCKETS);
    if (!toStarts(starts)) continue;
    scatter(from[0], from[1], to[0], to[1], starts, pass * BITS);
    [from, to] = [to, from];
  }
  if (from[0] === keys) return;
  keys.set(from[0]);
  values.set(from[1]);
}

/**
 * Replaces the counts of a pass with the start of each bucket. Returns false if a single bucket contains all entries,
 * because the pass would then move no entry.
 */
function toStarts(counts: Uint32Array): boolean {
  let filled = 0;
  let start = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count > 0) filled++;
    counts[i] = start;
    start += count;
  }
  return filled > 1;
}

/** Performs one stable pass. Equal keys keep their order, so ties stay in user number order. */
function scatter(
  keys: Uint32Array,
  users: Uint32Array,
  toKeys: Uint32Array,
  toUsers: Uint32Array,
  starts: Uint32Array,
  shift: number,
): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const to = starts[(key >>> shift) & MASK]!++;
    toKeys[to] = key;
    toUsers[to] = users[i]!;
  }
}
