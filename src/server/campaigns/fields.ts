/** Fields that clients send for campaigns: seeds and features, with their limits. */
import type { ServerConfig } from '../config.ts';
import { addFirstIssues, objectField, textFault } from '../http/bounded-fields.ts';
import type { Wrong } from '../http/validation.ts';
import { userIdList } from '../user-sets/user-id-list.ts';

export function seedsField(config: ServerConfig) {
  const description =
    `User ids. With fewer than ${config.minimumSeeds} known ones the campaign is accepted and ends as ` +
    '`too_small`.';
  return userIdList(config, description);
}

export function featuresField(config: ServerConfig) {
  const { maximumCampaignFeatures, maximumFeatureValues, maximumFeatureValueLength, maximumErrorDetails } = config;
  const wrongText = textFault('a value', 0, maximumFeatureValueLength);
  const wrongValue = (value: unknown): Wrong | null => {
    if (!Array.isArray(value))
      return typeof value === 'string' ? wrongText(value) : { message: 'a string or a list of strings is expected' };
    if (value.length > maximumFeatureValues) {
      return { message: `a feature has at most ${maximumFeatureValues} values`, limit: maximumFeatureValues };
    }
    return value.map(wrongText).find((problem) => problem !== null) ?? null;
  };
  return objectField<string | readonly string[]>('features', maximumCampaignFeatures)
    .superRefine((features, context) => {
      addFirstIssues(context, Object.entries(features), wrongValue, maximumErrorDetails);
    })
    .meta({
      description: 'Campaign features of the model by name; a list if the feature is multi-valued.',
      type: 'object',
      additionalProperties: {
        anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: maximumFeatureValues }],
      },
    });
}
