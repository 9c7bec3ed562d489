/** Counts the users who have each token in the population, in the audience and among the seeds. */
import { unreachable } from '../lib/errors.ts';
import type { TokenColumn } from '../population/read.ts';

/** Bits of a row's flags. */
export const MEMBER = 1;
export const SEED = 2;

/**
 * The number of users for each code of a feature. Code 0 stands for a missing token. A token that is repeated in a
 * user's list counts once.
 */
export class TokenCounts {
  readonly population: Uint32Array;
  readonly audience: Uint32Array;
  readonly seeds: Uint32Array;
  /** For each code, the index of the last row with this code, plus 1. */
  readonly #lastRow: Uint32Array;
  #rows = 0;

  /** Starts all counts at zero. `size` is the highest code plus 1. */
  constructor(size: number) {
    this.population = new Uint32Array(size);
    this.audience = new Uint32Array(size);
    this.seeds = new Uint32Array(size);
    this.#lastRow = new Uint32Array(size);
  }

  /** Adds the rows of a segment. `flags` has one entry per row. */
  add(column: TokenColumn, flags: Uint8Array): void {
    switch (column.kind) {
      case 'single':
        this.#addSingle(column.codes, flags);
        break;
      case 'multi':
        this.#addLists(column.offsets, column.codes, flags);
        break;
      default:
        unreachable(column);
    }
    this.#rows += flags.length;
  }

  /** Adds seeds who are not in the population. */
  addSeeds(column: TokenColumn, rows: number): void {
    const own = new TokenCounts(this.seeds.length);
    own.add(column, new Uint8Array(rows));
    for (const [code, count] of own.population.entries()) this.seeds[code]! += count;
  }

  #addSingle(codes: Int32Array, flags: Uint8Array): void {
    const { population, audience, seeds } = this;
    for (let i = 0; i < flags.length; i++) {
      const code = codes[i]!;
      const flag = flags[i]!;
      population[code]!++;
      if (flag & MEMBER) audience[code]!++;
      if (flag & SEED) seeds[code]!++;
    }
  }

  #addLists(offsets: Int32Array, codes: Int32Array, flags: Uint8Array): void {
    const { population, audience, seeds } = this;
    const lastRow = this.#lastRow;
    for (let i = 0; i < flags.length; i++) {
      const flag = flags[i]!;
      const row = this.#rows + i + 1;
      const end = offsets[i + 1]!;
      let at = offsets[i]!;
      const isEmpty = at === end;
      for (; isEmpty ? at === end : at < end; at++) {
        const code = isEmpty ? 0 : codes[at]!;
        if (lastRow[code] === row) continue;
        lastRow[code] = row;
        population[code]!++;
        if (flag & MEMBER) audience[code]!++;
        if (flag & SEED) seeds[code]!++;
      }
    }
  }
}
