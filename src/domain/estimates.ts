/** The input of an estimate of an audience, and the users that it counts. */
import type { CampaignFeatures, Filters } from './features.ts';

/** The input of an estimate. */
export interface EstimateInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  /** The epoch of the served population and model, which the rows and features belong to. */
  readonly epoch: number;
  /** Rows of the population, ascending, without repetitions. */
  readonly seeds: Int32Array;
  /** Rows of suppressed users who are not seeds. */
  readonly suppressed: Int32Array;
  /** The sha256 of a set of further suppressed users: the installation's suppression list. */
  readonly suppressionSet: string | null;
  readonly minimumSeeds: number;
  /** Maximum number of seeds that are used, and of candidates. */
  readonly mostSeeds: number;
  readonly mostCandidates: number;
}

/** How an expansion of the same inputs would classify the users of the population, each counted once. */
export interface CountedUsers {
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
  readonly candidates: number;
}
