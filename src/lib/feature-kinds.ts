/** What the value of a user's or a campaign's feature is: `single` has one token, `multi` a list of them. */
export const FEATURE_KINDS = ['single', 'multi'] as const;

export type FeatureKind = (typeof FEATURE_KINDS)[number];
