/**
 * Filters of user sets. A filter shows whether a set may contain a user without reading the set's file. It is a blocked
 * Bloom filter (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007) in base64. All bits of
 * a user are in one block, so the database reads only one block of each filter. Filters are stored, so none of these
 * numbers may change.
 */
import { setImmediate } from 'node:timers/promises';

/** Bits per user. The false-positive rate is about 1 in 5,000. */
const BITS_PER_USER = 20;
const BLOCK_BYTES = 96;
const BLOCK_BITS = 8 * BLOCK_BYTES;
/** The length of a block in base64. */
const BLOCK_CHARACTERS = 128;
/** Number of bits that a user sets in a block. */
const BITS_SET = 8;
/** A larger set has no filter, and is always searched. */
const MAXIMUM_USERS = 1_000_000;

/** Number of users processed per turn of the event loop. */
const SLICE_USERS = 32_768;
const INITIAL_HASHES = 1_024;

/** A hash of a user id: two unsigned 32-bit numbers. The first selects the block, the second the bits. */
type UserHash = readonly [block: number, bits: number];

/** Builds the filter of a set. */
export class SetFilterBuilder {
  #hashes = new Uint32Array(INITIAL_HASHES);
  #users = 0;

  add(userIds: readonly string[]): void {
    const before = this.#users;
    this.#users += userIds.length;
    if (this.#users > MAXIMUM_USERS) {
      this.#hashes = new Uint32Array();
      return;
    }
    while (this.#hashes.length < 2 * this.#users) this.#hashes = doubled(this.#hashes);
    for (const [i, userId] of userIds.entries()) {
      const [block, bits] = hashUser(userId);
      this.#hashes[2 * (before + i)] = block;
      this.#hashes[2 * (before + i) + 1] = bits;
    }
  }

  /** The filter; empty if the set is too large. */
  async encode(): Promise<string> {
    if (this.#users > MAXIMUM_USERS) return '';
    const blocks = Math.floor((this.#users * BITS_PER_USER) / BLOCK_BITS) + 1;
    const bytes = Buffer.alloc(blocks * BLOCK_BYTES);
    for (let at = 0; at < this.#users; at += SLICE_USERS) {
      setBits(bytes, blocks, this.#hashes.subarray(2 * at, 2 * Math.min(at + SLICE_USERS, this.#users)));
      await setImmediate();
    }
    return bytes.toString('base64');
  }
}

function doubled(before: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const after = new Uint32Array(2 * before.length);
  after.set(before);
  return after;
}

function setBits(bytes: Buffer, blocks: number, hashes: Uint32Array): void {
  for (let i = 0; i < hashes.length; i += 2) {
    const start = (hashes[i]! % blocks) * BLOCK_BYTES;
    let state = hashes[i + 1]!;
    for (let set = 0; set < BITS_SET; set++) {
      state = nextState(state);
      const bit = state % BLOCK_BITS;
      bytes[start + (bit >> 3)]! |= 1 << (bit & 7);
    }
  }
}

/**
 * SQL for the block of a filter that contains users with the hash `block`; `users` is the number of users in the set.
 */
export function blockOf(filter: string, users: string, block: string): string {
  const at = `${block} % (${users} * ${BITS_PER_USER} / ${BLOCK_BITS} + 1)`;
  return `substr(${filter}, CAST(1 + ${BLOCK_CHARACTERS} * (${at}) AS integer), ${BLOCK_CHARACTERS})`;
}

/** Whether a set with this block may contain the user; true if the set has no filter. */
export function mayHave(block: string, [, bits]: UserHash): boolean {
  if (block === '') return true;
  const bytes = Buffer.from(block, 'base64');
  let state = bits;
  for (let set = 0; set < BITS_SET; set++) {
    state = nextState(state);
    const bit = state % BLOCK_BITS;
    if ((bytes[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** The next number of a sequence (xorshift32). Remainders of these numbers are the positions of a user's bits. */
function nextState(before: number): number {
  let state = before || 1;
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}

/** Hashes the UTF-16 code units of an id, like cyrb53. */
export function hashUser(userId: string): UserHash {
  let one = 0xdeadbeef;
  let two = 0x41c6ce57;
  for (let i = 0; i < userId.length; i++) {
    const unit = userId.charCodeAt(i);
    one = Math.imul(one ^ unit, 2654435761);
    two = Math.imul(two ^ unit, 1597334677);
  }
  const first = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
  const second = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(first ^ (first >>> 13), 3266489909);
  return [first >>> 0, second >>> 0];
}
