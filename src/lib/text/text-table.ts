/** An append-only table of distinct strings in typed arrays, which uses open addressing and end offsets. */
import { entryOf, fillSlots, hash, MAXIMUM_TEXTS, probe, slotOf } from './text-slots.ts';

/** Returned by `add` for a string with more bytes than allowed. */
export const TOO_LONG = -2;
/** Returned by `add` for a string with a lone surrogate, which UTF-8 cannot encode. */
export const ILL_FORMED = -3;
/** Returned by `add` if the string would exceed a limit of the table, MAXIMUM_TEXTS or MAXIMUM_TABLE_BYTES. */
export const FULL = -4;

/** Maximum number of bytes in a table, because an end offset is a uint32. */
const MAXIMUM_TABLE_BYTES = 2 ** 32 - 1;

const MINIMUM_SLOTS = 64;
/** The first byte of a redacted string. */
const REDACTED = 0xff;
const encoder = new TextEncoder();

/** Concatenated strings in UTF-8, and the end offset of each string. */
export interface GatheredTexts {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Returns texts in UTF-8. Texts with a lone surrogate, which UTF-8 cannot encode, become bytes that no text has. */
export function gatherTexts(texts: readonly string[]): GatheredTexts {
  const parts = texts.map((text) => Buffer.from(text));
  for (const [i, part] of parts.entries()) if (!texts[i]!.isWellFormed()) part.fill(REDACTED);
  let end = 0;
  return { ends: Uint32Array.from(parts, ({ length }) => (end += length)), bytes: Buffer.concat(parts) };
}

/** Returns the texts as strings. */
export function textsOf({ bytes, ends }: GatheredTexts): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from(ends, (end, i) => buffer.toString('utf8', i === 0 ? 0 : ends[i - 1]!, end));
}

export class TextTable {
  /** The strings in UTF-8, concatenated. */
  #bytes: Buffer;
  /** The end offset of each string. */
  #ends: Uint32Array;
  #count: number;
  /** The slots of the hash table (`text-slots.ts`), built at the first look-up. */
  #slots: Int32Array | null = null;
  #longest: number;
  #scratch: Uint8Array;

  /**
   * Creates a table from `bytes` and `ends`, which may be shared because the table never writes to them. `ends` must
   * not decrease and must end at `bytes.length`. `slots` is the result of `prepare` for the same strings in another
   * thread.
   */
  constructor(
    bytes: Uint8Array = new Uint8Array(0),
    ends: Uint32Array = new Uint32Array(0),
    slots: Int32Array | null = null,
  ) {
    this.#slots = slots;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#ends = ends;
    this.#count = ends.length;
    this.#longest = findLongest(ends);
    this.#scratch = new Uint8Array(Math.max(3 * this.#longest, 256));
  }

  get count(): number {
    return this.#count;
  }

  /** A view of the strings in UTF-8, which is valid until the next `add`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#count === 0 ? 0 : this.#ends[this.#count - 1]!);
  }

  /** A view of the end offsets, which is valid until the next `add`. */
  get ends(): Uint32Array {
    return this.#ends.subarray(0, this.#count);
  }

  /** Builds the slots of the hash table now instead of at the first look-up. */
  prepare(): Int32Array {
    this.#slots ??= this.#makeSlots(this.#count);
    return this.#slots;
  }

  /** Makes room for a number of strings, so that the table is not rebuilt while these strings are added. */
  reserve(texts: number): void {
    if (texts > this.#count) this.#slots = this.#makeSlots(Math.min(texts, MAXIMUM_TEXTS));
    if (texts > this.#ends.length) this.#growEnds(texts);
  }

  /** The index of `text`; -1 if the string is not in the table. */
  find(text: string): number {
    // a string has at least as many UTF-8 bytes as UTF-16 code units
    if (text.length > this.#longest || this.#count === 0) return -1;
    const length = this.#encode(text);
    if (length < 0) return -1;
    const slots = this.prepare();
    const hashed = hash(this.#scratch, 0, length);
    const slot = probe(slots, this.#bytes, this.#ends, this.#scratch, 0, length, hashed);
    return slot < 0 ? -1 : entryOf(slots[slot]!) - 1;
  }

  /**
   * Finds the indexes of many strings, like `find` for one string. Each step is done for all strings before the next
   * step, so that slow memory accesses overlap. This halves the time for a million random strings.
   */
  findAll({ bytes, ends }: GatheredTexts): Int32Array {
    const found = new Int32Array(ends.length).fill(-1);
    if (this.#count === 0) return found;
    const table = this.prepare();
    const mask = table.length - 1;
    const hashes = new Int32Array(ends.length);
    for (let i = 0; i < hashes.length; i++) hashes[i] = hash(bytes, i === 0 ? 0 : ends[i - 1]!, ends[i]!);
    // reads slots and ends only to bring them into the cache
    for (let i = 0; i < hashes.length; i++) found[i] = this.#ends[entryOf(table[hashes[i]! & mask]!)] ?? -1;
    for (let i = 0, start = 0; i < hashes.length; i++) {
      const slot = probe(table, this.#bytes, this.#ends, bytes, start, ends[i]! - start, hashes[i]!);
      found[i] = slot < 0 ? -1 : entryOf(table[slot]!) - 1;
      start = ends[i]!;
    }
    return found;
  }

  /** The index of `text`, which is added if it is missing; TOO_LONG, ILL_FORMED or FULL if it cannot be added. */
  add(text: string, maximumBytes: number): number {
    if (text.length > maximumBytes) return TOO_LONG;
    const length = this.#encode(text);
    if (length < 0) return ILL_FORMED;
    return this.addUtf8(this.#scratch, 0, length, maximumBytes);
  }

  /** Like `add`, for the valid UTF-8 in `text[from .. from + length)`. */
  addUtf8(text: Uint8Array, from: number, length: number, maximumBytes: number): number {
    if (length > maximumBytes) return TOO_LONG;
    const hashed = hash(text, from, from + length);
    const slots = this.prepare();
    const slot = probe(slots, this.#bytes, this.#ends, text, from, length, hashed);
    return slot >= 0 ? entryOf(slots[slot]!) - 1 : this.#append(~slot, hashed, text, from, length);
  }

  /** The string at an index. Throws RangeError (a bug) if the index is not in 0 .. count - 1. */
  text(index: number): string {
    if (!(Number.isInteger(index) && index >= 0 && index < this.#count))
      throw new RangeError(`index ${index} is not in 0..${this.#count - 1}`);
    return this.#bytes.toString('utf8', this.#startOf(index), this.#ends[index]!);
  }

  /** Copies many strings in UTF-8 to new memory. Throws RangeError (a bug) if an index is not in 0 .. count - 1. */
  gather(indexes: Uint32Array): GatheredTexts {
    const ends = new Uint32Array(indexes.length);
    let total = 0;
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i]!;
      if (index >= this.#count) throw new RangeError(`index ${index} is not in 0..${this.#count - 1}`);
      total += this.#ends[index]! - this.#startOf(index);
      ends[i] = total;
    }
    const bytes = new Uint8Array(total);
    for (let i = 0, at = 0; i < indexes.length; i++) {
      for (let from = this.#startOf(indexes[i]!); at < ends[i]!; ) bytes[at++] = this.#bytes[from++]!;
    }
    return { bytes, ends };
  }

  /** Whether a string was overwritten by `redact`. */
  isRedacted(index: number): boolean {
    const start = this.#startOf(index);
    return this.#ends[index]! > start && this.#bytes[start] === REDACTED;
  }

  /**
   * Overwrites a string. The table's memory must not be shared. The index remains assigned, but no look-up finds it.
   * The replacement begins with a byte that never occurs in UTF-8, and contains the index so that redacted strings do
   * not share slots.
   */
  redact(index: number): void {
    const start = this.#startOf(index);
    const text = this.#bytes.subarray(start, this.#ends[index]!);
    text.fill(REDACTED);
    for (let i = 1; i <= 4 && i < text.length; i++) text[i] = index >>> (8 * (i - 1));
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }

  #append(slot: number, hashed: number, text: Uint8Array, from: number, length: number): number {
    const index = this.#count;
    const start = this.#startOf(index);
    const end = start + length;
    if (index >= MAXIMUM_TEXTS || end > MAXIMUM_TABLE_BYTES) return FULL;
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.min(Math.max(2 * end, 1024), MAXIMUM_TABLE_BYTES));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    if (index >= this.#ends.length) this.#growEnds(Math.max(2 * index, 64));
    for (let i = 0; i < length; i++) this.#bytes[start + i] = text[from + i]!;
    this.#ends[index] = end;
    this.#count = index + 1;
    this.#longest = Math.max(this.#longest, length);
    this.#slots![slot] = slotOf(index + 1, hashed);
    if (2 * this.#count > this.#slots!.length) this.#slots = this.#makeSlots(2 * this.#count);
    return index;
  }

  #growEnds(texts: number): void {
    const grown = new Uint32Array(Math.min(texts, MAXIMUM_TEXTS));
    grown.set(this.ends);
    this.#ends = grown;
  }

  /** Writes `text` to the scratch buffer in UTF-8. Returns the number of bytes, or ILL_FORMED. */
  #encode(text: string): number {
    if (3 * text.length > this.#scratch.length) this.#scratch = new Uint8Array(4 * text.length);
    const length = encodeAscii(text, this.#scratch);
    if (length >= 0) return length;
    return text.isWellFormed() ? encoder.encodeInto(text, this.#scratch).written : ILL_FORMED;
  }

  #makeSlots(texts: number): Int32Array {
    let size = MINIMUM_SLOTS;
    while (size < 2 * texts) size *= 2;
    return fillSlots(new Int32Array(size), this.#bytes, this.#ends, this.#count);
  }
}

/** Writes an ASCII string as bytes. Returns -1 if a character is not ASCII. */
function encodeAscii(text: string, out: Uint8Array): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return -1;
    out[i] = unit;
  }
  return text.length;
}

function findLongest(ends: Uint32Array): number {
  let longest = 0;
  for (let i = 0, start = 0; i < ends.length; i++) {
    longest = Math.max(longest, ends[i]! - start);
    start = ends[i]!;
  }
  return longest;
}
