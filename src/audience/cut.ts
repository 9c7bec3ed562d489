/** A cut: where an audience of some size ends in a ranking, as the score and the user number of its last member. */
import type { UserNumber } from '../lib/brands.ts';

/**
 * The first `size` ranks. A user's score is enough to decide membership, because (score descending, user number
 * ascending) is a total order.
 */
export interface Cut {
  readonly size: number;
  /** Score of the last member; with size 0, above any score. */
  readonly score: number;
  readonly userNumber: UserNumber;
}

/** The part of a ranking that a cut needs. */
interface CuttableRanking {
  readonly candidates: number;
  read(fromRank: number, count: number): { readonly userNumbers: Uint32Array; readonly scores: Float32Array };
}

/** The cut at a size, which is limited to the number of candidates. @throws AppError storage_failed */
export function cutAt(ranking: CuttableRanking, size: number): Cut {
  const held = Math.min(size, ranking.candidates);
  if (held < 1) return { size: 0, score: Number.POSITIVE_INFINITY, userNumber: -1 };
  const { userNumbers, scores } = ranking.read(held - 1, 1);
  return { size: held, score: scores[0]!, userNumber: userNumbers[0]! };
}

/** Whether the user with this number and score (NaN = not a candidate) is inside. */
export function isInside(cut: Cut, userNumber: UserNumber, score: number): boolean {
  return score > cut.score || (score === cut.score && userNumber <= cut.userNumber);
}
