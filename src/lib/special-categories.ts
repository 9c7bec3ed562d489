/** Categories of advertising for which the law limits how an audience may be selected. */

export const SPECIAL_CATEGORIES = ['housing', 'employment', 'credit', 'political', 'minors'] as const;

export type SpecialCategory = (typeof SPECIAL_CATEGORIES)[number];

/** The ids of the past campaigns of each category, in ascending order. */
export type SpecialCampaigns = Readonly<Partial<Record<SpecialCategory, readonly string[]>>>;
