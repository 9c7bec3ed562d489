/** A ranking read from its folder through open descriptors. */

/** Every candidate of one audience version, best first: score descending, then user number ascending. */
export interface Ranking {
  /** Users in the ranking. */
  readonly candidates: number;
  /** User numbers that scores exist for: 0..userCount-1. */
  readonly userCount: number;
  /** The users of ranks fromRank + 1 .. fromRank + count (`fromRank` is 0-based), fewer where the ranking ends. */
  read(fromRank: number, count: number): { readonly userNumbers: Uint32Array; readonly scores: Float32Array };
  /** NaN where the user is not a candidate, or is younger than the ranking. */
  scoreOf(userNumber: number): number;
  /** 1-based; 0 = not a candidate. A member at size S is one whose rank is 1..S. */
  rankOf(userNumber: number): number;
  close(): void;
}

export function openRanking(_folder: string): Ranking {
  throw new Error('to be written');
}
