/** The part of an audience to read: a version, a cut of its ranking, and a start. */

import { audienceSize } from '../../domain/audiences.ts';
import type { Audience } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { ReadRanking } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { type AudienceCursor, decodeCursor, invalidCursor } from './cursor.ts';
import type { CutQuery, ViewQuery } from './queries.ts';

/** An audience version and the cursor that led to it. */
export interface Located {
  readonly audience: Audience;
  readonly cursor: { readonly text: string; readonly at: AudienceCursor } | null;
}

type Store = Pick<ServerDependencies['store'], 'get' | 'activeAudience' | 'audienceVersion'>;

/**
 * The requested version (null: the active one), or the version to which the cursor belongs.
 * @throws AppError campaign_not_found, audience_not_found, audience_not_ready, invalid_cursor
 */
export function locate(store: Store, id: string, version: number | null, text: string | undefined): Located {
  if (text === undefined) {
    return { audience: version === null ? store.activeAudience(id) : store.audienceVersion(id, version), cursor: null };
  }
  store.get(id);
  const at = decodeCursor(id, text);
  if (version !== null && at.audienceVersion !== version) {
    throw invalidCursor(text, `the cursor belongs to audience version ${at.audienceVersion}`);
  }
  return { audience: store.audienceVersion(id, at.audienceVersion), cursor: { text, at } };
}

/**
 * The active version in the store at this moment, even if an earlier read in this iteration of the event loop returned
 * another one.
 * @throws AppError campaign_not_found, audience_not_ready
 */
export function activeNow(store: Store, id: string): Audience {
  const { audienceVersion } = store.get(id);
  return audienceVersion === null ? store.activeAudience(id) : store.audienceVersion(id, audienceVersion);
}

/** The cut, and the ranks still to return: `from` (0-based) to `size`. */
export interface View {
  readonly size: number;
  readonly from: number;
}

/**
 * The part of the audience that a request asks for. The cut is that of the query, otherwise the cursor's, otherwise the
 * audience's own size; the start is the rank of the cursor or of the query. A cut that is sent along with a cursor must
 * match the cursor's, because pages of audiences of different sizes would not fit together.
 * @throws AppError invalid_cursor, storage_failed
 */
export function viewOf({ audience, cursor }: Located, ranking: ReadRanking, query: ViewQuery): View {
  const asked = cutOf(audience, ranking, query);
  if (cursor === null) {
    const size = asked ?? audience.size;
    return { size, from: Math.min(size, query.after_rank ?? 0) };
  }
  const { text, at } = cursor;
  if (asked !== null && asked !== at.size) throw invalidCursor(text, `the cursor belongs to a cut of ${at.size} users`);
  if (at.afterRank > at.size || at.size > audience.candidates) {
    throw invalidCursor(text, 'the cursor points past the end of the audience');
  }
  return { size: at.size, from: at.afterRank };
}

/**
 * Refuses a ranking with users whom the served population never contained: their ids are unknown here.
 * @throws AppError unavailable
 */
export function checkPopulation(
  { population }: Pick<ServerDependencies, 'population'>,
  audience: Audience,
  ranking: ReadRanking,
): void {
  if (ranking.userCount <= population.directory.size) return;
  throw new AppError(
    'unavailable',
    `the audience belongs to population ${audience.populationVersion}, which is not loaded here`,
  );
}

/**
 * Opens an audience. If the ranking's files disappeared while its row was read (because the campaign was deleted or the
 * version pruned), the audience is looked up again: it is then not found, or another version is active.
 * @throws what `find` does; AppError storage_failed
 */
export function openFound<L extends { readonly audience: Audience }, T>(
  found: L,
  find: () => L,
  open: (found: L) => T,
): T {
  try {
    return open(found);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'storage_failed') throw error;
    const again = find();
    if (again.audience.folder === found.audience.folder) throw error;
    return open(again);
  }
}

function cutOf(audience: Audience, ranking: ReadRanking, query: CutQuery): number | null {
  const { size, percent, min_score: minScore } = query;
  if (minScore !== undefined) return ranking.countFrom(Math.fround(minScore));
  if (size !== undefined) return audienceSize({ size }, audience.candidates, audience.populationSize);
  if (percent !== undefined) return audienceSize({ percent }, audience.candidates, audience.populationSize);
  return null;
}
