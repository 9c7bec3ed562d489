/** The input of an audience estimate, and the counts of users in its result. */
import type { SpecialCategory } from '../lib/special-categories.ts';
import type { CampaignFeatures, Filters } from './features.ts';

/** The input of an audience estimate. */
export interface EstimateInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  readonly category?: SpecialCategory | null;
  /** The epoch of the served population and model for which the rows and features are valid. */
  readonly epoch: number;
  /** Rows of the seeds in the population, ascending, without repetitions. */
  readonly seeds: Int32Array;
  /** The weight of each seed; null if all seeds have weight 1. */
  readonly seedWeights: Float64Array | null;
  /** Seeds with features who are not in the population, and neither negatives nor on the request's suppression list. */
  readonly absentSeeds: readonly EstimatedSeed[];
  /** Population rows of the explicit negatives. None of them is a seed. */
  readonly negatives: Int32Array;
  /** How much a negative counts compared with a sampled negative. */
  readonly negativeWeight: number;
  /** Rows of suppressed users who are not seeds. */
  readonly suppressed: Int32Array;
  /** The name of the global suppression list, whose users are suppressed too. */
  readonly suppressionSet: string | null;
  readonly minimumSeeds: number;
  /** Maximum number of seeds and maximum number of candidates that the estimate uses. */
  readonly mostSeeds: number;
  readonly mostCandidates: number;
}

/** A seed who is not in the population. */
export interface EstimatedSeed {
  readonly userId: string;
  readonly weight: number;
  /** As JSON. */
  readonly features: string;
}

/** How an expansion with the same inputs would classify the users of the population. Each user is counted once. */
export interface CountedUsers {
  /** Seeds who are not in the population but were sent with features and are not suppressed. */
  readonly outside: number;
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
  readonly candidates: number;
}
