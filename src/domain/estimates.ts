/** What an estimate of an audience is made from, and the users that it counts. */
import type { CampaignFeatures, Filters } from './features.ts';

/** The input of an estimate. */
export interface EstimateInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  /** Of what is served: the rows are of its population, the features of its model. */
  readonly epoch: number;
  /** Rows of the population, ascending, without repetitions. */
  readonly seeds: Int32Array;
  /** Rows of users who are neither in an audience nor seeds. */
  readonly suppressed: Int32Array;
  /** The sha256 of a set of more of them: the installation's suppression list. */
  readonly suppressionSet: string | null;
  readonly minimumSeeds: number;
  /** How many of the seeds, and of the candidates, are used. */
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
