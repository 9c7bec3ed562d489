/**
 * Compares two audience versions. The versions may have different rankings and populations, because user numbers are
 * permanent.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Treated } from '../domain/hold-out.ts';
import { untilRead } from '../domain/ports/blobs.ts';
import type { UserNumber } from '../lib/brands.ts';
import type { Directory } from '../population/read.ts';
import { isInside, treats } from './cut.ts';
import type { ReadRanking } from './ranking.ts';
import type { ChangeBlock } from './stream/member-blocks.ts';

/** Number of users whose scores are read at once (256 KiB from each ranking). */
const WINDOW_USERS = 65_536;
/** The same if users are held out. Computing their arms takes at most about 5 ms per window. */
const HASHED_WINDOW_USERS = 8_192;

/** An audience version or a cut of it: the treated users in a range of ranks of `ranking`. */
export interface Side extends Treated {
  readonly ranking: ReadRanking;
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
 * @throws AppError storage_failed; the reason of the signal, if it is aborted
 */
export async function countDiff(from: Side, to: Side, signal?: AbortSignal): Promise<DiffCounts> {
  const users = Math.max(from.ranking.userCount, to.ranking.userCount);
  const window = from.holdout === null && to.holdout === null ? WINDOW_USERS : HASHED_WINDOW_USERS;
  const total = { added: 0, removed: 0, kept: 0 };
  for (let user = 0; user < users; user += window) {
    const found = await untilRead(() => countWindow(from, to, user, Math.min(window, users - user)));
    for (const change of ['added', 'removed', 'kept'] as const) total[change] += found[change];
    await nextTurn();
    signal?.throwIfAborted();
  }
  return total;
}

/**
 * Yields the user numbers of the members of `side` who are not in `other`, best first. Reads `blockRanks` ranks at a
 * time.
 * @throws AppError storage_failed
 */
export async function* missingFrom(side: Side, other: Side, blockRanks: number): AsyncGenerator<Uint32Array> {
  for (let rank = side.from ?? 0; rank < side.size; rank += blockRanks) {
    const count = Math.min(blockRanks, side.size - rank);
    yield await untilRead(() => missingIn(side, other, rank, count));
  }
}

/**
 * Yields the ids of users who are in only one of two audiences: first those removed from `from`, then those added in
 * `to`. Erased users are omitted.
 * @throws AppError storage_failed
 */
export async function* changeBlocks(
  from: Side,
  to: Side,
  directory: Pick<Directory, 'gatherIds' | 'isErased'>,
  blockRanks: number,
): AsyncGenerator<ChangeBlock> {
  const blockOf = (change: ChangeBlock['change'], users: Uint32Array): ChangeBlock => ({
    change,
    ids: directory.gatherIds(users.filter((user) => !directory.isErased(user))),
  });
  for await (const users of missingFrom(from, to, blockRanks)) yield blockOf('removed', users);
  for await (const users of missingFrom(to, from, blockRanks)) yield blockOf('added', users);
}

/** The users on `count` ranks of `side` who are not members of `other`. */
function missingIn(side: Side, other: Side, fromRank: number, count: number): Uint32Array {
  const isOther = memberTest(other);
  const { userNumbers } = side.ranking.read(fromRank, count);
  const scores = other.ranking.scoresOf(userNumbers);
  return userNumbers.filter((user, i) => !side.holdout?.has(user) && !isOther(user, scores[i]!));
}

/** Whether a user with a score is a member of a side. */
function memberTest({ ranking, from = 0, size, holdout }: Side): (user: UserNumber, score: number) => boolean {
  const cut = ranking.cut(size);
  if (from === 0) return (user, score) => treats(cut, holdout, user, score);
  const before = ranking.cut(from);
  return (user, score) => !isInside(before, user, score) && treats(cut, holdout, user, score);
}

function countWindow(from: Side, to: Side, fromUser: number, count: number): DiffCounts {
  const [wasMember, isMember] = [memberTest(from), memberTest(to)];
  // users added after a ranking was made have no score in it
  const [scores, others] = [from.ranking.scoresFrom(fromUser, count), to.ranking.scoresFrom(fromUser, count)];
  const counts = { added: 0, removed: 0, kept: 0 };
  for (let i = 0; i < count; i++) {
    const isBefore = wasMember(fromUser + i, scores[i]!);
    const isAfter = isMember(fromUser + i, others[i]!);
    if (isBefore && isAfter) counts.kept++;
    else if (isBefore) counts.removed++;
    else if (isAfter) counts.added++;
  }
  return counts;
}
