/** What a campaign says in features: of itself, and of whom to leave out. */

/** Values by feature name: a token, a list of tokens, a number, or the numbers of a vector. */
export type CampaignFeatures = Readonly<Record<string, string | number | readonly string[] | readonly number[]>>;

/** Both bounds are inside; one that is not given does not bound. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** By user feature: a user passes who has one of the tokens, or a number in the range, of every feature named. */
export type Filters = Readonly<Record<string, readonly string[] | NumberRange>>;
