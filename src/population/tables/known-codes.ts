/**
 * Caches the codes of a column's latest short tokens, keyed by DuckDB's records of these tokens, so that few tokens
 * must be looked up by their bytes.
 */
import type { Cell } from '../kinds/kind-import.ts';
import { codeOfUtf8 } from '../kinds/tokens.ts';
import { RECORD_WORDS, type TextVector } from './chunks.ts';

/** Number of cached tokens; a token replaces an earlier token with the same hash. */
const ENTRIES = 4096;

export class KnownCodes {
  /** A free entry is the record of the empty token, whose code is 0. */
  readonly #records = new Uint32Array(RECORD_WORDS * ENTRIES);
  readonly #codes = new Int32Array(ENTRIES);
  /** The cell whose dictionary contains the codes. */
  #cell: Cell | null = null;

  /** Like `codeOfUtf8`, but for the string of a row; 0 for null. */
  codeOf(texts: TextVector, row: number, cell: Cell): number {
    if (this.#cell !== cell) this.#begin(cell);
    if (!texts.isValid(row)) return 0;
    const records = this.#records;
    const { words } = texts;
    const word = RECORD_WORDS * row;
    const a = words[word]!;
    const b = words[word + 1]!;
    const c = words[word + 2]!;
    const d = words[word + 3]!;
    const entry = hash(a, b, c, d) & (ENTRIES - 1);
    const known = RECORD_WORDS * entry;
    if (records[known] === a && records[known + 1] === b && records[known + 2] === c && records[known + 3] === d)
      return this.#codes[entry]!;
    texts.seek(row);
    const code = codeOfUtf8(texts, cell);
    if (!texts.isInline) return code;
    for (let i = 0; i < RECORD_WORDS; i++) records[known + i] = words[word + i]!;
    this.#codes[entry] = code;
    return code;
  }

  #begin(cell: Cell): void {
    this.#cell = cell;
    this.#records.fill(0);
    this.#codes.fill(0);
  }
}

function hash(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(b ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35) ^ a, 0x9e3779b1);
  h ^= h >>> 15;
  return Math.imul(h, 0x85ebca6b) >>> 20;
}
