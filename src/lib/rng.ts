/**
 * Seeded random numbers: xoshiro128** with the sha256 of a text key as seed. A key gives the same stream on every
 * machine.
 */
import { createHash } from 'node:crypto';

export interface Rng {
  /** A random integer, uniform in [0, 2^32). */
  uint32(): number;
  /** A random number with 53 bits, uniform in [0, 1). */
  uniform(): number;
  /** A random integer, uniform in [0, bound), without modulo bias. */
  integer(bound: number): number;
  /** A random number from the standard normal distribution (Box-Muller). */
  normal(): number;
  /** An independent stream, determined only by this stream's key and `label`, not by earlier draws. */
  fork(label: string): Rng;
}

/** A sample is drawn from an array if the bound is at most this many times the size of the sample, else from a map. */
const DENSE_BOUND = 16;

/** Creates the stream of random numbers for a key. */
export function createRng(key: string): Rng {
  const digest = createHash('sha256').update(key).digest();
  const s = new Uint32Array(4);
  for (let i = 0; i < 4; i++) s[i] = digest.readUInt32LE(4 * i);
  if (s.every((x) => x === 0)) s[0] = 1;
  let spare = Number.NaN;

  const uint32 = (): number => {
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  };
  const uniform = (): number => ((uint32() >>> 5) * 67108864 + (uint32() >>> 6)) / 9007199254740992;
  const integer = (bound: number): number => {
    if (!(bound >= 1 && bound <= 4294967296)) throw new RangeError(`bound ${bound} is not in 1..2^32`);
    const limit = 4294967296 - (4294967296 % bound);
    for (;;) {
      const x = uint32();
      if (x < limit) return x % bound;
    }
  };
  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uint32, uniform, integer, normal, fork: (label) => createRng(`${digest.toString('hex')}/${label}`) };
}

/**
 * The index of the first cumulative weight above `value`, or the last index if there is no such weight. `cumulative` is
 * ascending. If `value` is uniform below the last cumulative weight, each index is drawn with a probability
 * proportional to its weight.
 */
export function firstAbove(cumulative: Float64Array, value: number): number {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Shuffles `items` in place (Fisher-Yates). */
export function shuffle(rng: Rng, items: Int32Array | Uint32Array): void {
  for (let i = items.length - 1; i > 0; i--) swap(items, i, rng.integer(i + 1));
}

/**
 * Draws `count` of `items` in random order, each position at most once. Returns all items if `count >= items.length`.
 */
export function sample(rng: Rng, items: Int32Array, count: number): Int32Array {
  const out = sampleWithoutReplacement(rng, items.length, count);
  for (let i = 0; i < out.length; i++) out[i] = items[out[i]!]!;
  return out;
}

/** Draws the same samples as `sample`, but is faster if many samples are drawn from the same items. */
export class Sampler {
  readonly #items: Int32Array;
  #swapped = new Int32Array(0);

  /** Copies the items. */
  constructor(items: Int32Array) {
    this.#items = items.slice();
  }

  /** Returns the sample that `sample` draws. */
  draw(rng: Rng, count: number): Int32Array {
    const items = this.#items;
    const size = Math.min(count, items.length);
    if (this.#swapped.length < size) this.#swapped = new Int32Array(size);
    const swapped = this.#swapped;
    for (let i = 0; i < size; i++) {
      const j = i + rng.integer(items.length - i);
      swapped[i] = j;
      swap(items, i, j);
    }
    const out = items.slice(0, size);
    for (let i = size - 1; i >= 0; i--) swap(items, i, swapped[i]!);
    return out;
  }
}

function swap(items: Int32Array | Uint32Array, i: number, j: number): void {
  const item = items[i]!;
  items[i] = items[j]!;
  items[j] = item;
}

/**
 * Draws `count` distinct integers from [0, bound) in random order. Returns all of them if `count >= bound`. Needs
 * O(count) memory (sparse Fisher-Yates).
 */
export function sampleWithoutReplacement(rng: Rng, bound: number, count: number): Int32Array {
  const size = Math.min(count, bound);
  const out = new Int32Array(size);
  if (bound <= DENSE_BOUND * size) {
    // offsets, not integers, are stored, because creating an array of zeros is faster than creating a map
    const offsets = new Int32Array(bound);
    for (let i = 0; i < size; i++) {
      const j = i + rng.integer(bound - i);
      out[i] = j + offsets[j]!;
      offsets[j] = i + offsets[i]! - j;
    }
    return out;
  }
  const moved = new Map<number, number>();
  for (let i = 0; i < size; i++) {
    const j = i + rng.integer(bound - i);
    out[i] = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
  }
  return out;
}
