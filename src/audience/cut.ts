/**
 * A cut is the place in a ranking at which an audience of a given size ends: the score and the user number of the last
 * member.
 */
import type { HoldOut } from '../domain/hold-out.ts';
import type { UserNumber } from '../lib/brands.ts';

/**
 * The end of the first `size` ranks. A user's score and user number decide membership, because ranks are in a total
 * order: by score descending, then by user number ascending.
 */
export interface Cut {
  readonly size: number;
  /** The score of the last member. If the size is 0, the cut is above any score. */
  readonly score: number;
  readonly userNumber: UserNumber;
}

/** The part of a ranking that is needed to compute a cut. */
interface CuttableRanking {
  readonly candidates: number;
  read(fromRank: number, count: number): { readonly userNumbers: Uint32Array; readonly scores: Float32Array };
}

/**
 * Returns the cut for the first `size` ranks, or for all candidates if there are fewer. @throws AppError storage_failed
 */
export function cutAt(ranking: CuttableRanking, size: number): Cut {
  const held = Math.min(size, ranking.candidates);
  if (held < 1) return { size: 0, score: Number.POSITIVE_INFINITY, userNumber: -1 };
  const { userNumbers, scores } = ranking.read(held - 1, 1);
  return { size: held, score: scores[0]!, userNumber: userNumbers[0]! };
}

/**
 * Whether the user with this number and score is inside the cut. A score of NaN means that the user is not a candidate.
 */
export function isInside(cut: Cut, userNumber: UserNumber, score: number): boolean {
  return score > cut.score || (score === cut.score && userNumber <= cut.userNumber);
}

/** Whether the user is in the cut and not held out, so that ad servers see a member. */
export function treats(cut: Cut, holdout: HoldOut | null, userNumber: UserNumber, score: number): boolean {
  return isInside(cut, userNumber, score) && !holdout?.has(userNumber);
}
