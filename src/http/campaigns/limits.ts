/** Limits of campaigns and their feedback. */
import { fixed, type LimitValues, setting } from '../../lib/limits.ts';

export const CAMPAIGN_LIMITS = {
  maximumInlineSeeds: setting(100_000, 'ids', 'Seeds in one JSON body.', { published: true }),
  maximumExternalIdBytes: fixed(
    256,
    'bytes',
    "Bytes of a campaign's external id, in UTF-8: the same limit as in the history that models are trained on.",
  ),
  maximumNameLength: fixed(200, 'characters', "Characters of a campaign's name, and of a webhook's description."),
  maximumCampaignFeatures: fixed(1_000, 'features', 'Features that a campaign may name, known or not.'),
  maximumFeatureValues: fixed(1_000, 'values', 'Values of one multi-valued campaign feature.'),
  maximumFeatureValueLength: fixed(1_024, 'characters', 'Characters of one value of a campaign feature.'),
  maximumLabels: fixed(50, 'labels', 'Labels of a campaign.'),
  maximumLabelLength: fixed(200, 'characters', "Characters of a label's key, and of its text."),
  maximumFilterFeatures: fixed(50, 'features', "User features that a campaign's filters may name."),
  maximumFilterTokens: fixed(1_000, 'tokens', 'Tokens of one feature in a filter.'),
  maximumFeedbackEvents: fixed(10_000, 'events', 'Events in one feedback request.', { published: true }),
  maximumFeedbackAheadMs: fixed(5 * 60_000, 'ms', "Milliseconds that an event may be ahead of the service's clock."),
};

export type CampaignLimits = LimitValues<typeof CAMPAIGN_LIMITS>;
