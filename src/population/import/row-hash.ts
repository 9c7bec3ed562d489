/** Hashes rows, to compare a user's row in an update with the user's current row. */
import type { Feature } from '../../dataset/features.ts';
import { type Column, isTokenColumn, type Rows } from '../read/segments.ts';

const NOT_A_NUMBER = 0x7fc0_0000;

/**
 * A 64-bit hash of each row's values, as two 32-bit words per row: `[2 * count]`. Equal rows have equal hashes;
 * different rows have equal hashes with probability 2^-64. Hashes are compared within one process and never stored. Two
 * lanes with different constants mix 32-bit words as MurmurHash3 does (Appleby, public domain).
 */
export function hashRows(rows: Rows, features: readonly Feature[]): Uint32Array {
  const hashes = new Uint32Array(2 * rows.count).fill(0x9747_b28c);
  for (const { name } of features) hashColumn(rows.columns.get(name)!, rows.count, hashes);
  for (let i = 0; i < hashes.length; i++) hashes[i] = finish(hashes[i]!);
  return hashes;
}

function hashColumn(column: Column, count: number, hashes: Uint32Array): void {
  const words = isTokenColumn(column) ? column.codes : bitsOf(column.values);
  const isList = column.kind === 'multi';
  const width = isTokenColumn(column) ? 1 : column.size;
  for (let row = 0; row < count; row++) {
    const start = isList ? column.offsets[row]! : row * width;
    const end = isList ? column.offsets[row + 1]! : start + width;
    let [a, b] = [hashes[2 * row]!, hashes[2 * row + 1]!];
    // the length of a list is part of the hash
    for (let i = isList ? start - 1 : start; i < end; i++) {
      const word = i < start ? end - start : words[i]!;
      a = mix(a, Math.imul(rotate(Math.imul(word, 0xcc9e_2d51), 15), 0x1b87_3593), 13);
      b = mix(b, Math.imul(rotate(Math.imul(word, 0x239b_961b), 16), 0xab0e_9789), 19) + a;
    }
    hashes[2 * row] = a;
    hashes[2 * row + 1] = b;
  }
}

/** The bits of floats. All missing numbers get the same NaN bits. */
function bitsOf(values: Float32Array): Int32Array {
  const bits = new Int32Array(values.slice().buffer);
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i]!)) bits[i] = NOT_A_NUMBER;
  return bits;
}

function mix(hash: number, word: number, bits: number): number {
  return (Math.imul(rotate(hash ^ word, bits), 5) + 0xe654_6b64) | 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
