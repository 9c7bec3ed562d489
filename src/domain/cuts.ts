/** The types of named cuts: parts of a campaign's ranking that are served beside its audience. */

/** Consecutive ranks, from the 0-based rank `from` up to, but not including, the rank `to`. */
export interface RankRange {
  readonly from: number;
  readonly to: number;
}

/**
 * A named part of a campaign's ranking: the users in an audience of the size `to` who are not in one of the size
 * `from`. The unit of both sizes is users, or percent of the population.
 */
export interface CutRequest extends RankRange {
  readonly name: string;
  readonly unit: 'size' | 'percent';
}

/** A named cut of an audience version. Like the size of an audience, its ranks include users who are held out. */
export interface AudienceCut extends RankRange {
  readonly name: string;
}
