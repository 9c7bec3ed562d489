/** The features of a campaign, and the filters on features of users. */

/** Values by feature name: a token, a list of tokens, a number, or the numbers of a vector. */
export type CampaignFeatures = Readonly<Record<string, string | number | readonly string[] | readonly number[]>>;

/** Both bounds are inclusive; a missing bound is no limit. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/**
 * Filters by user feature. A user passes if they have, for every named feature, one of the tokens or a number in the
 * range.
 */
export type Filters = Readonly<Record<string, readonly string[] | NumberRange>>;
