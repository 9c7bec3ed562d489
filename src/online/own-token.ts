/** Finds a campaign's own past-campaigns token, which is removed from every user when the campaign is expanded. */
import type { TokenId } from '../lib/brands.ts';
import type { ModelContract } from '../model/folder.ts';
import { PAST_CAMPAIGNS } from '../population/read.ts';

/** A token of a user feature, identified by its id in the model. */
export interface OwnToken {
  readonly feature: string;
  readonly id: TokenId;
}

/**
 * Returns the past-campaigns token of `campaign` itself. The token must be removed from every user, because it would
 * reveal the members. null if the model was not trained on a campaign with that id, or reads no past campaigns.
 */
export function ownToken(model: Pick<ModelContract, 'vocabularies'>, campaign: string | null): OwnToken | null {
  const id = campaign === null ? 0 : (model.vocabularies.get(`user.${PAST_CAMPAIGNS}`)?.find(campaign) ?? 0);
  return id === 0 ? null : { feature: PAST_CAMPAIGNS, id };
}
