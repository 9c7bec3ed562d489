/** The audiences that hold a user: one score of every active ranking against its cut. */
import type { z } from 'zod';
import { membershipOf } from '../../audience/membership.ts';
import type { Audience } from '../../campaigns/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { decodeCampaignCursor, encodeCampaignCursor } from './cursor.ts';
import type { userAudiencesSchema } from './schemas.ts';

/** Lists of active audiences by campaign id; the store gives the same list until something is committed. */
const sorted = new WeakMap<readonly Audience[], readonly Audience[]>();

/**
 * A page of the campaigns whose active audience holds the user, by campaign id.
 * @throws AppError invalid_cursor, storage_failed
 */
export function audiencesOfUser(
  {
    store,
    rankings,
  }: Pick<ServerDependencies, 'rankings'> & {
    readonly store: Pick<ServerDependencies['store'], 'activeAudiences'>;
  },
  userNumber: number,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): z.output<typeof userAudiencesSchema> {
  const after = cursor === undefined ? '' : decodeCampaignCursor(cursor);
  const audiences = byCampaign(store.activeAudiences());
  const items: z.output<typeof userAudiencesSchema>['items'] = [];
  for (let i = indexAfter(audiences, after); i < audiences.length; i++) {
    const { campaignId, version, folder, size } = audiences[i]!;
    try {
      const found = membershipOf(rankings.get(folder), size, userNumber);
      if (found === null) continue;
      if (items.length === limit) return { items, next_cursor: encodeCampaignCursor(items.at(-1)!.campaign_id) };
      items.push({ campaign_id: campaignId, version, ...found });
    } catch (error) {
      // a campaign that was deleted since the list was read has no audience; one that is still there has a damaged one
      if (!(error instanceof AppError) || store.activeAudiences().some((audience) => audience.folder === folder))
        throw error;
    }
  }
  return { items, next_cursor: null };
}

function byCampaign(audiences: readonly Audience[]): readonly Audience[] {
  const known = sorted.get(audiences);
  if (known !== undefined) return known;
  const made = [...audiences].sort((a, b) => (a.campaignId < b.campaignId ? -1 : 1));
  sorted.set(audiences, made);
  return made;
}

/** The first audience whose campaign comes after this one. */
function indexAfter(audiences: readonly Audience[], campaignId: string): number {
  let low = 0;
  let high = audiences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (audiences[middle]!.campaignId <= campaignId) low = middle + 1;
    else high = middle;
  }
  return low;
}
