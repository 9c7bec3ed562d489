/**
 * The slots of a hash table of strings in UTF-8, with open addressing. A free slot is 0. In any other slot, the low 29
 * bits are the string's index + 1, and the high 3 bits are the high 3 bits of the string's hash. The high bits rule out
 * seven of eight other strings without a comparison, which saves two accesses to memory that is seldom in a cache.
 */

/** Maximum number of strings, because an entry has 29 bits, and there are at least twice as many slots as strings. */
export const MAXIMUM_TEXTS = 500_000_000;

const ENTRY_BITS = 0x1fff_ffff;

/** Returns the value of a string's slot. `entry` is the string's index + 1. */
export function slotOf(entry: number, hashed: number): number {
  return (hashed & ~ENTRY_BITS) | entry;
}

/** The index + 1 of a slot's string; 0 if the slot is free. */
export function entryOf(slot: number): number {
  return slot & ENTRY_BITS;
}

/** Whether the string of a slot may have this hash. */
function mayHave(slot: number, hashed: number): boolean {
  return ((slot ^ hashed) & ~ENTRY_BITS) === 0;
}

/** The FNV-1a hash of bytes, with a final mix because slots are chosen by the low bits. */
export function hash(bytes: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5;
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return mix(h);
}

function mix(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * The slot of `text[from .. from + length)` with the hash `hashed`, or the bitwise complement of the free slot that the
 * string would take.
 */
export function probe(
  slots: Int32Array,
  bytes: Uint8Array,
  ends: Uint32Array,
  text: Uint8Array,
  from: number,
  length: number,
  hashed: number,
): number {
  const mask = slots.length - 1;
  for (let slot = hashed & mask; ; slot = (slot + 1) & mask) {
    const value = slots[slot]!;
    if (value === 0) return ~slot;
    if (mayHave(value, hashed) && isEntry(entryOf(value), bytes, ends, text, from, length)) return slot;
  }
}

/** Whether the string of an entry (its index + 1) is `text[from .. from + length)`. */
function isEntry(
  entry: number,
  bytes: Uint8Array,
  ends: Uint32Array,
  text: Uint8Array,
  from: number,
  length: number,
): boolean {
  const start = entry === 1 ? 0 : ends[entry - 2]!;
  if (ends[entry - 1]! - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[from + i]) return false;
  return true;
}

/** Inserts `count` distinct strings into free slots, and returns the slots. */
export function fillSlots(slots: Int32Array, bytes: Uint8Array, ends: Uint32Array, count: number): Int32Array {
  const mask = slots.length - 1;
  for (let index = 0, start = 0; index < count; index++) {
    const end = ends[index]!;
    const hashed = hash(bytes, start, end);
    let slot = hashed & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = slotOf(index + 1, hashed);
    start = end;
  }
  return slots;
}
