/** The scores of a range, collected segment by segment in any order, without the users who are not ranked. */
import type { Candidates } from '../../audience/parts/write-part.ts';
import type { SegmentRange } from '../../domain/ranges.ts';
import type { Population } from '../../population/read.ts';
import type { ScoreResult } from '../thread-tasks.ts';

export class RangeScores {
  readonly #userNumbers: Uint32Array;
  readonly #scores: Float32Array;
  readonly #from: number;
  /** First row of each segment of the range, counted from the first row of the range. */
  readonly #starts: readonly number[];
  /** Number of candidates of each segment. */
  readonly #kept: Uint32Array;

  constructor({ from, to }: SegmentRange, population: Pick<Population, 'segmentRows'>) {
    const starts = [0];
    for (let segment = from; segment < to; segment++) starts.push(starts.at(-1)! + population.segmentRows(segment));
    this.#from = from;
    this.#starts = starts;
    this.#kept = new Uint32Array(to - from);
    this.#userNumbers = new Uint32Array(starts.at(-1)!);
    this.#scores = new Float32Array(starts.at(-1)!);
  }

  /** Adds the scores of a segment, in the order of its rows; `unranked` has one bit per row. */
  add(
    segment: number,
    { userNumbers, scores }: Pick<ScoreResult, 'userNumbers' | 'scores'>,
    unranked: Uint8Array,
  ): void {
    const start = this.#starts[segment - this.#from]!;
    let at = start;
    for (let row = 0; row < scores.length; row++) {
      if ((unranked[row >>> 3]! & (1 << (row & 7))) !== 0) continue;
      this.#userNumbers[at] = userNumbers[row]!;
      this.#scores[at] = scores[row]!;
      at += 1;
    }
    this.#kept[segment - this.#from] = at - start;
  }

  /** The candidates of all segments that were added. Nothing may be added afterwards. */
  candidates(): Candidates {
    let count = 0;
    for (const [i, kept] of this.#kept.entries()) {
      const start = this.#starts[i]!;
      this.#userNumbers.copyWithin(count, start, start + kept);
      this.#scores.copyWithin(count, start, start + kept);
      count += kept;
    }
    return { userNumbers: this.#userNumbers.subarray(0, count), scores: this.#scores.subarray(0, count) };
  }
}
