/** Fields that clients send for campaigns: seeds and features, with their limits. */
import type { CampaignFeatures } from '../../domain/features.ts';
import type { ServerConfig } from '../config.ts';
import { addFirstIssues, objectField, textFault } from '../plugins/json/bounded-fields.ts';
import type { Wrong } from '../plugins/json/validation.ts';
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
    if (typeof value === 'number') return null;
    if (!Array.isArray(value))
      return typeof value === 'string'
        ? wrongText(value)
        : { message: 'a string, a number or a list of them is expected' };
    if (value.length > maximumFeatureValues) {
      return { message: `a feature has at most ${maximumFeatureValues} values`, limit: maximumFeatureValues };
    }
    if (value.every((item) => typeof item === 'number')) return null;
    return value.map(wrongText).find((problem) => problem !== null) ?? null;
  };
  return objectField<CampaignFeatures[string]>('features', maximumCampaignFeatures)
    .superRefine((features, context) => {
      addFirstIssues(context, Object.entries(features), wrongValue, maximumErrorDetails);
    })
    .meta({
      description:
        'Campaign features of the model by name: a string, a list if the feature is multi-valued, a number, or the ' +
        'numbers of a vector.',
      type: 'object',
      additionalProperties: {
        anyOf: [
          { type: 'string' },
          { type: 'number' },
          { type: 'array', items: { type: 'string' }, maxItems: maximumFeatureValues },
          { type: 'array', items: { type: 'number' }, maxItems: maximumFeatureValues },
        ],
      },
    });
}
