/** What the estimate routes need: who makes estimates, and from what. */
import type { CampaignFeatures, Filters } from '../../campaigns/features.ts';

/** Makes estimates one after another without blocking the caller. */
export interface Estimates {
  /** Resolves after `timeMs` at the latest. Throws if the model cannot do it. */
  estimate(
    task: EstimateInputs,
    timeMs: number,
  ): Promise<
    | { readonly kind: 'estimate'; readonly estimate: Estimate }
    | { readonly kind: 'late'; readonly users: CountedUsers | null }
    | { readonly kind: 'loading' | 'busy' }
  >;
}

/** The input of an estimate. */
export interface EstimateInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  /** The version that the rows are of. */
  readonly populationVersion: string;
  /** Rows of the population, ascending. */
  readonly seeds: Int32Array;
  readonly suppressed: Int32Array;
  /** The sha256 of the installation's suppression list. */
  readonly suppressionSet: string | null;
  readonly minimumSeeds: number;
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

interface Estimate {
  readonly users: CountedUsers;
  /** The expected quality of its audience; null if it would produce none. */
  readonly expected: { readonly prediction: Expected; readonly seeds: number; readonly candidates: number } | null;
}

/** The expected quality of an audience, predicted from its seeds. */
export interface Expected {
  readonly verdict: 'good' | 'weak' | 'unsure';
  readonly reason: string;
  readonly auc: Interval | null;
  /** By the audience's share of the candidates. */
  readonly recall: Readonly<Record<string, Interval>>;
  readonly lift: Readonly<Record<string, Interval>>;
}

/** An estimate and the bounds of its interval. */
interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}
