/** The arms of an audience: treated users and held-out users. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Treated } from '../domain/hold-out.ts';
import { untilRead } from '../domain/ports/blobs.ts';
import type { UserNumber } from '../lib/brands.ts';
import { isInside } from './cut.ts';
import type { GatheredIds } from './page.ts';
import type { ReadRanking } from './ranking.ts';

export type ArmName = 'treated' | 'heldOut';

/**
 * Number of ranks per slice. Computing an arm takes about 0.25 us, so a slice blocks other work for at most about 5 ms.
 */
const SLICE_RANKS = 16_384;

/**
 * Counts the users of both arms from the 0-based rank `from`, without erased users. Yields to the event loop.
 * @throws AppError storage_failed
 */
export async function countArms(
  ranking: ReadRanking,
  { from = 0, size, holdout }: Treated & { readonly from?: number },
  ids: Pick<GatheredIds, 'isErased'>,
): Promise<Record<ArmName, number>> {
  const counts = { treated: 0, heldOut: 0 };
  for (let rank = from; rank < size; rank += SLICE_RANKS) {
    const users = await untilRead(() => ranking.usersAt(rank, Math.min(SLICE_RANKS, size - rank)));
    for (const user of users) if (!ids.isErased(user)) counts[holdout?.has(user) ? 'heldOut' : 'treated']++;
    await nextTurn();
  }
  return counts;
}

/**
 * Counts the treated users whom `ids` show but `shown` do not: users without an identifier. Yields to the event loop.
 * @throws AppError storage_failed
 */
export async function countLeftOut(
  ranking: ReadRanking,
  range: Treated,
  ids: Pick<GatheredIds, 'isErased'>,
  shown: Pick<GatheredIds, 'isErased'>,
): Promise<number> {
  const isOther = (user: UserNumber) => ids.isErased(user) || !shown.isErased(user);
  return (await countArms(ranking, range, { isErased: isOther })).treated;
}

/** The arm of each user; null for a user who is not in the audience. @throws AppError storage_failed */
export function armsOf(
  ranking: ReadRanking,
  { size, holdout }: Treated,
  users: Iterable<UserNumber>,
): Promise<(ArmName | null)[]> {
  const armOf = (user: UserNumber): ArmName | null => {
    const score = ranking.scoreOf(user);
    if (Number.isNaN(score) || !isInside(ranking.cut(size), user, score)) return null;
    return holdout?.has(user) ? 'heldOut' : 'treated';
  };
  return Promise.resolve(untilRead(() => Array.from(users, armOf)));
}
