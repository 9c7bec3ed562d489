/** Limits of campaigns and their feedback. */
import { fixed, type LimitValues, setting } from '../../lib/limits.ts';

export const CAMPAIGN_LIMITS = {
  maximumInlineSeeds: setting(100_000, 'ids', 'Maximum number of seeds in one JSON body.', { published: true }),
  maximumExternalIdBytes: fixed(
    256,
    'bytes',
    "Maximum number of bytes in a campaign's external id, in UTF-8. The history that models are trained on has " +
      'the same limit.',
  ),
  maximumNameLength: fixed(
    200,
    'characters',
    "Maximum number of characters in a campaign's name, and in a webhook's description.",
  ),
  maximumCampaignFeatures: fixed(
    1_000,
    'features',
    'Maximum number of features that a campaign may name, known or not.',
  ),
  maximumFeatureValues: fixed(1_000, 'values', 'Maximum number of values of one multi-valued campaign feature.'),
  maximumFeatureValueLength: fixed(
    1_024,
    'characters',
    'Maximum number of characters in one value of a campaign feature.',
  ),
  maximumLabels: fixed(50, 'labels', 'Maximum number of labels of a campaign.'),
  maximumLabelLength: fixed(200, 'characters', "Maximum number of characters in a label's key, and in its text."),
  maximumCuts: setting(20, 'cuts', 'Maximum number of named cuts of a campaign.', { most: 1_000, published: true }),
  maximumCutNameLength: fixed(64, 'characters', 'Maximum number of characters in the name of a cut.'),
  maximumFilterFeatures: fixed(50, 'features', "Maximum number of user features that a campaign's filters may name."),
  maximumFilterTokens: fixed(1_000, 'tokens', 'Maximum number of tokens of one feature in a filter.'),
  maximumNegativeWeight: fixed(
    100,
    'times',
    'Maximum weight of an explicit negative compared with a sampled one. The minimum is 1 divided by this number.',
  ),
  maximumFeedbackEvents: setting(10_000, 'events', 'Maximum number of events, or of conversions, in one request.', {
    most: 1_000_000,
    published: true,
  }),
  maximumFeedbackAheadMs: fixed(
    5 * 60_000,
    'ms',
    "Milliseconds by which an event may be ahead of the service's clock.",
  ),
  maximumConversionValue: fixed(1e12, 'units', 'Maximum absolute value of a conversion.'),
};

export type CampaignLimits = LimitValues<typeof CAMPAIGN_LIMITS>;
