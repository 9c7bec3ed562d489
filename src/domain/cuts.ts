/** Named cuts: parts of a campaign's ranking that are served in addition to its audience. */

/** Consecutive 0-based ranks: `from` is inclusive, `to` is not. */
export interface RankRange {
  readonly from: number;
  readonly to: number;
}

/**
 * A named part of a campaign's ranking: the users in an audience of size `to` who are not in an audience of size
 * `from`. `unit` says whether both sizes are in users or in percent of the population.
 */
export interface CutRequest extends RankRange {
  readonly name: string;
  readonly unit: 'size' | 'percent';
}

/** A named cut of an audience version. Like audience sizes, its ranks include held-out users. */
export interface AudienceCut extends RankRange {
  readonly name: string;
}
