/** The codes of a column's last short tokens by DuckDB's records of them, so that few tokens are looked up as bytes. */
import type { Cell } from '../kinds/kind-import.ts';
import { codeOfUtf8 } from '../kinds/tokens.ts';
import { RECORD_WORDS, type TextVector } from './chunks.ts';

/** Number of remembered tokens; a token replaces another one with the same hash. */
const ENTRIES = 4096;

export class KnownCodes {
  /** A free entry is the record of the empty token, whose code is 0. */
  readonly #records = new Uint32Array(RECORD_WORDS * ENTRIES);
  readonly #codes = new Int32Array(ENTRIES);
  /** The codes are those of this cell's dictionary. */
  #cell: Cell | null = null;

  /** Like `codeOfUtf8`, but for the text of a row; 0 for null. */
  codeOf(texts: TextVector, row: number, cell: Cell): number {
    if (!texts.isValid(row)) return 0;
    if (this.#cell !== cell) this.#begin(cell);
    const records = this.#records;
    const words = texts.words;
    const at = RECORD_WORDS * row;
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    const entry = hash(a, b, c, d) & (ENTRIES - 1);
    const known = RECORD_WORDS * entry;
    if (records[known] === a && records[known + 1] === b && records[known + 2] === c && records[known + 3] === d)
      return this.#codes[entry]!;
    texts.seek(row);
    const code = codeOfUtf8(texts, cell);
    if (!texts.isInline) return code;
    records[known] = a;
    records[known + 1] = b;
    records[known + 2] = c;
    records[known + 3] = d;
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
