/** The features of a campaign, and the filters on users' features. */

/** Values by feature name. A value is a token, a list of tokens, a number, or the numbers of a vector. */
export type CampaignFeatures = Readonly<Record<string, string | number | readonly string[] | readonly number[]>>;

/** A range of numbers. Both bounds are inclusive; without a bound, the range is open on that side. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/**
 * Filters by user feature. A user passes if, for every named feature, the user has one of the tokens or a number in the
 * range.
 */
export type Filters = Readonly<Record<string, readonly string[] | NumberRange>>;
