/** Limits of campaigns and their feedback. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const CAMPAIGN_LIMITS = {
  maximumInlineSeeds: {
    default: 100_000,
    unit: 'ids',
    published: true,
    description: 'Seeds in one JSON body.',
  },
  maximumExternalIdBytes: {
    default: 256,
    unit: 'bytes',
    description:
      "Bytes of a campaign's external id, in UTF-8: the same limit as in the history that models are trained " + 'on.',
  },
  maximumNameLength: {
    default: 200,
    unit: 'characters',
    description: "Characters of a campaign's name, and of a webhook's description.",
  },
  maximumCampaignFeatures: {
    default: 1_000,
    unit: 'features',
    description: 'Features that a campaign may name, known or not.',
  },
  maximumFeatureValues: {
    default: 1_000,
    unit: 'values',
    description: 'Values of one multi-valued campaign feature.',
  },
  maximumFeatureValueLength: {
    default: 1_024,
    unit: 'characters',
    description: 'Characters of one value of a campaign feature.',
  },
  maximumLabels: {
    default: 50,
    unit: 'labels',
    description: 'Labels of a campaign.',
  },
  maximumLabelLength: {
    default: 200,
    unit: 'characters',
    description: "Characters of a label's key, and of its text.",
  },
  maximumFilterFeatures: {
    default: 50,
    unit: 'features',
    description: "User features that a campaign's filters may name.",
  },
  maximumFilterTokens: {
    default: 1_000,
    unit: 'tokens',
    description: 'Tokens of one feature in a filter.',
  },
  maximumFeedbackEvents: {
    default: 10_000,
    unit: 'events',
    published: true,
    description: 'Events in one feedback request.',
  },
  maximumFeedbackAheadMs: {
    default: 5 * 60_000,
    unit: 'ms',
    description: "Milliseconds that an event may be ahead of the service's clock.",
  },
} as const satisfies LimitRows;

export type CampaignLimits = LimitValues<typeof CAMPAIGN_LIMITS>;
