/**
 * The manifest of a customised model: its campaign, the campaign's features as inputs, and the general model's
 * manifest.
 */

import type { Customised } from '../model/customised.ts';
import type { ModelFolder } from '../model/folder.ts';
import { nullableNumbers } from '../model/interface.ts';
import type { Manifest } from '../model/manifest.ts';
import { encodeCampaign } from './encode.ts';

/** Version of the contract of the exported file; a reader must reject a file with another version. */
const CUSTOMISED_MANIFEST_CONTRACT = 1;

export interface CustomisedManifest {
  readonly contract_version: number;
  readonly campaign_id: string;
  readonly audience_version: number;
  /** Version of the general model. */
  readonly model_version: string;
  readonly population_version: string;
  readonly campaign_features: Customised['features'];
  /**
   * The values of the model's `campaign.` inputs, one row each: token ids and, for lists, lengths. null stands for NaN.
   */
  readonly campaign_inputs: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: (number | null)[] }>
  >;
  /**
   * The campaign's own token, if the model was trained on a campaign with the same external id; null if there is
   * nothing to remove. To reproduce the scores of the audience, remove `id` from each user's list in the input `input`
   * before cutting the list to its maximum length, and count the length afterwards.
   */
  readonly left_out: { readonly input: string; readonly token: string; readonly id: number } | null;
  /** Manifest fields of the general model's folder. The golden batch and the evaluation refer to the general model. */
  readonly general_model: Manifest;
}

export function customisedManifest(
  general: ModelFolder,
  { modelVersion, populationVersion, features, leftOut }: Customised,
  audience: { readonly campaignId: string; readonly version: number },
): CustomisedManifest {
  const inputs = Object.entries(encodeCampaign(null, general, features, 1));
  return {
    contract_version: CUSTOMISED_MANIFEST_CONTRACT,
    campaign_id: audience.campaignId,
    audience_version: audience.version,
    model_version: modelVersion,
    population_version: populationVersion,
    campaign_features: features,
    campaign_inputs: Object.fromEntries(
      inputs.map(([name, tensor]) => [name, { shape: tensor.shape, data: nullableNumbers(tensor) }]),
    ),
    left_out: leftOut && {
      input: `user.${leftOut.feature}`,
      token: general.vocabularies.get(`user.${leftOut.feature}`)!.tokens[leftOut.id - 1]!,
      id: leftOut.id,
    },
    general_model: general.manifest,
  };
}
