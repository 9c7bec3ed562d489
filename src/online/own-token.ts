/** A campaign's own token of past campaigns, which is left out of every user when that campaign is expanded. */
import type { TokenId } from '../lib/brands.ts';
import type { ModelContract } from '../model/folder.ts';
import { PAST_CAMPAIGNS } from '../population/past-campaigns.ts';

/** A token of a user feature, by the model's id. */
export interface OwnToken {
  readonly feature: string;
  readonly id: TokenId;
}

/**
 * The token of past campaigns that is `campaign`'s own, to be left out of every user: it would tell who the members
 * are. null where the model was not trained on a campaign of that id, or reads no past campaigns.
 */
export function ownToken(model: Pick<ModelContract, 'vocabularies'>, campaign: string | null): OwnToken | null {
  const id = campaign === null ? 0 : (model.vocabularies.get(`user.${PAST_CAMPAIGNS}`)?.find(campaign) ?? 0);
  return id === 0 ? null : { feature: PAST_CAMPAIGNS, id };
}
