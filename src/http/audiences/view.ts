/** Finds the part of an audience to read: a version, a cut of its ranking, and a start. */

import { audienceSize, usersOf } from '../../domain/audiences.ts';
import { decodeNumbers, encodeCursor, invalidCursor } from '../../domain/cursors.ts';
import type { RankRange } from '../../domain/cuts.ts';
import type { Audience } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { ReadRanking } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { CutQuery, ViewQuery } from './queries.ts';

export interface AudienceCursor {
  readonly audienceVersion: number;
  /** Number of users up to the end of the cut. All pages use the cut of the first page. */
  readonly size: number;
  /** The 0-based rank at which the cut begins; 0 by default. */
  readonly from?: number;
  /** The last rank that was returned (1-based), which is also the 0-based start of the next page. */
  readonly afterRank: number;
}

/** The cursor of an audience's members, which is valid only for this campaign. */
export function encodeMembers(campaignId: string, { audienceVersion, size, from = 0, afterRank }: AudienceCursor) {
  return encodeCursor('members', [audienceVersion, size, afterRank, from], campaignId);
}

/** An audience version, and the cursor into this version, if any. */
export interface AudiencePosition {
  readonly audience: Audience;
  readonly cursor: { readonly text: string; readonly at: AudienceCursor } | null;
}

type Store = Pick<ServerDependencies['store'], 'get' | 'activeAudience' | 'audienceVersion'>;

/**
 * Returns the cursor's version if there is a cursor, otherwise the requested version (null means the active version).
 * @throws AppError campaign_not_found, audience_not_found, audience_not_ready, invalid_cursor
 */
export async function locate(
  store: Store,
  id: string,
  version: number | null,
  text: string | undefined,
): Promise<AudiencePosition> {
  if (text === undefined) {
    return {
      audience: version === null ? await store.activeAudience(id) : await store.audienceVersion(id, version),
      cursor: null,
    };
  }
  await store.get(id);
  const [audienceVersion, size, afterRank, from] = decodeNumbers('members', text, 4, { scope: id }) as [
    number,
    number,
    number,
    number,
  ];
  const at = { audienceVersion, size, from, afterRank };
  if (version !== null && at.audienceVersion !== version) {
    throw invalidCursor(text, `the cursor belongs to audience version ${at.audienceVersion}`);
  }
  return { audience: await store.audienceVersion(id, at.audienceVersion), cursor: { text, at } };
}

/**
 * Reads the active version from the store, bypassing versions that were cached in this iteration of the event loop.
 * @throws AppError campaign_not_found, audience_not_ready
 */
export async function activeNow(store: Store, id: string): Promise<Audience> {
  const { audienceVersion } = await store.get(id);
  return audienceVersion === null ? await store.activeAudience(id) : await store.audienceVersion(id, audienceVersion);
}

/** The ranks of a cut. The next page begins at the 0-based rank `next`. */
export interface View extends RankRange {
  readonly next: number;
}

/**
 * Returns the requested part of the audience. The cut comes from the query, otherwise from the cursor, otherwise from
 * the audience. The start comes from the cursor or the query. If the query contains both a cut and a cursor, the cut
 * must match the cut of the cursor, because pages of different cuts would not fit together.
 * @throws AppError invalid_cursor, storage_failed
 */
export function viewOf({ audience, cursor }: AudiencePosition, ranking: ReadRanking, query: ViewQuery): View {
  const asked = cutOf(audience, ranking, query);
  if (cursor === null) {
    const { from, to } = asked ?? { from: 0, to: audience.size };
    return { from, to, next: Math.max(from, Math.min(to, query.after_rank ?? 0)) };
  }
  const { text, at } = cursor;
  const { from = 0, size: to, afterRank: next } = at;
  if (asked !== null && (asked.from !== from || asked.to !== to))
    throw invalidCursor(text, `the cursor belongs to a cut of ${to - from} users`);
  if (next < from || next > to || to > audience.candidates) {
    throw invalidCursor(text, 'the cursor points past the end of the audience');
  }
  return { from, to, next };
}

/**
 * Refuses a ranking that contains users who were never in the served population, because their ids are unknown.
 * @throws AppError unavailable
 */
export function checkPopulation({ population }: ServerDependencies, audience: Audience, ranking: ReadRanking): void {
  if (ranking.userCount <= population.directory.size) return;
  throw new AppError(
    'unavailable',
    `the audience belongs to population ${audience.populationVersion}, which is not loaded here`,
  );
}

/**
 * Opens an audience. If the ranking's files disappeared while its row was read (because the campaign was deleted or the
 * version pruned), the audience is looked up again. The second look-up either fails or finds another active version.
 * @throws the errors of `find`; AppError storage_failed
 */
export function openFound<L extends { readonly audience: Audience }, T>(
  found: L,
  find: () => Promise<L>,
  open: (found: L) => T | Promise<T>,
): T | Promise<T> {
  const openAgain = async (error: unknown): Promise<T> => {
    if (!(error instanceof AppError) || error.code !== 'storage_failed') throw error;
    const again = await find();
    if (again.audience.folder === found.audience.folder) throw error;
    return open(again);
  };
  try {
    const opened = open(found);
    // a look-up in an open ranking does not wait
    return opened instanceof Promise ? opened.catch(openAgain) : opened;
  } catch (error) {
    return openAgain(error);
  }
}

function cutOf(audience: Audience, ranking: ReadRanking, query: CutQuery): RankRange | null {
  const { size, percent, min_score: minScore, cut } = query;
  const { candidates, populationSize } = audience;
  if (cut !== undefined) {
    const { from = 0, size: to } = usersOf(audience, cut);
    return { from, to };
  }
  if (minScore !== undefined) return { from: 0, to: ranking.countFrom(Math.fround(minScore)) };
  if (size !== undefined) return { from: 0, to: audienceSize({ size }, candidates, populationSize) };
  return percent === undefined ? null : { from: 0, to: audienceSize({ percent }, candidates, populationSize) };
}
