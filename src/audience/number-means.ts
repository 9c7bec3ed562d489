/** Compares the means of numbers in the population and in an audience. */
import type { NumberColumn } from '../population/read.ts';
import { MEMBER } from './token-counts.ts';

/** The numbers of an audience compared with the population. Users without a value are left out. */
export interface NumberEvidence {
  /** The means; null for a vector, or if no member has a value. */
  readonly audienceMean: number | null;
  readonly populationMean: number | null;
  /**
   * The difference between the means, in population standard deviations. For a vector, this is the root mean square of
   * its elements' differences. null if no member has a value.
   */
  readonly shift: number | null;
}

export class NumberMeans {
  readonly #size: number;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #audienceSums: Float64Array;
  #known = 0;
  #members = 0;

  constructor(size: number) {
    this.#size = size;
    this.#sums = new Float64Array(size);
    this.#squares = new Float64Array(size);
    this.#audienceSums = new Float64Array(size);
  }

  /** Adds the rows of a segment. `flags` has one entry per row. */
  add({ values }: NumberColumn, flags: Uint8Array): void {
    const size = this.#size;
    for (let row = 0; row < flags.length; row++) {
      const from = row * size;
      if (Number.isNaN(values[from]!)) continue;
      const isMember = (flags[row]! & MEMBER) !== 0;
      this.#known += 1;
      if (isMember) this.#members += 1;
      for (let i = 0; i < size; i++) {
        const value = values[from + i]!;
        this.#sums[i]! += value;
        this.#squares[i]! += value * value;
        if (isMember) this.#audienceSums[i]! += value;
      }
    }
  }

  evidence(isVector: boolean): NumberEvidence {
    if (this.#members === 0) return { audienceMean: null, populationMean: null, shift: null };
    const shifts = Array.from(this.#sums, (sum, i) => this.#shiftOf(i, sum / this.#known));
    if (isVector) {
      const square = shifts.reduce((total, shift) => total + shift ** 2, 0) / shifts.length;
      return { audienceMean: null, populationMean: null, shift: Math.sqrt(square) };
    }
    return {
      audienceMean: this.#audienceSums[0]! / this.#members,
      populationMean: this.#sums[0]! / this.#known,
      shift: shifts[0]!,
    };
  }

  #shiftOf(i: number, mean: number): number {
    const variance = this.#squares[i]! / this.#known - mean ** 2;
    // a variance below this share of the mean square is treated as a rounding error
    if (variance <= (1e-12 * this.#squares[i]!) / this.#known) return 0;
    return (this.#audienceSums[i]! / this.#members - mean) / Math.sqrt(variance);
  }
}
