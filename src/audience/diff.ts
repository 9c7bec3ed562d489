/**
 * Compares two audience versions. The versions may have different rankings and populations, because user numbers are
 * permanent.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { untilRead } from '../domain/ports/blobs.ts';
import { isInside } from './cut.ts';
import type { ReadRanking } from './ranking.ts';

/** Number of users whose scores are read at once (256 KiB from each ranking). */
const WINDOW_USERS = 65_536;

/** An audience version, which consists of the first `size` ranks of `ranking`. */
export interface Side {
  readonly ranking: ReadRanking;
  readonly size: number;
}

export interface DiffCounts {
  /** Members of the second version who are not in the first. */
  readonly added: number;
  /** Members of the first version who are not in the second. */
  readonly removed: number;
  /** Members of both versions. */
  readonly kept: number;
}

/**
 * Counts the differences in one pass over the scores of both rankings. Yields to the event loop between windows.
 * @throws AppError storage_failed
 */
export async function countDiff(from: Side, to: Side): Promise<DiffCounts> {
  const users = Math.min(from.ranking.userCount, to.ranking.userCount);
  let kept = 0;
  for (let user = 0; user < users; user += WINDOW_USERS) {
    const count = Math.min(WINDOW_USERS, users - user);
    const found = await untilRead(() => countKept(from, to, user, count));
    kept += found;
    await nextTurn();
  }
  return { added: to.size - kept, removed: from.size - kept, kept };
}

/**
 * Yields the user numbers of the members of `side` who are not in `other`, best first. Reads `blockRanks` ranks at a
 * time.
 * @throws AppError storage_failed
 */
export async function* missingFrom(side: Side, other: Side, blockRanks: number): AsyncGenerator<Uint32Array> {
  for (let rank = 0; rank < side.size; rank += blockRanks) {
    const count = Math.min(blockRanks, side.size - rank);
    yield await untilRead(() => missingIn(side, other, rank, count));
  }
}

/** The users on `count` ranks of `side` who are not members of `other`. */
function missingIn(side: Side, other: Side, fromRank: number, count: number): Uint32Array {
  const cut = other.ranking.cut(other.size);
  const { userNumbers } = side.ranking.read(fromRank, count);
  const scores = other.ranking.scoresOf(userNumbers);
  return userNumbers.filter((user, i) => !isInside(cut, user, scores[i]!));
}

function countKept(from: Side, to: Side, fromUser: number, count: number): number {
  const [cut, otherCut] = [from.ranking.cut(from.size), to.ranking.cut(to.size)];
  const [scores, others] = [from.ranking.scoresFrom(fromUser, count), to.ranking.scoresFrom(fromUser, count)];
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (isInside(cut, fromUser + i, scores[i]!) && isInside(otherCut, fromUser + i, others[i]!)) kept++;
  }
  return kept;
}
