/** What the routes of estimates need: who makes them, and of what. */
import type { CampaignFeatures, Filters } from '../../campaigns/features.ts';

/** Makes estimates, one after the other, without blocking who asks. */
export interface Estimates {
  /** An answer after `timeMs` at the latest. Throws what the model cannot do. */
  estimate(
    task: EstimateInputs,
    timeMs: number,
  ): Promise<
    | { readonly kind: 'estimate'; readonly estimate: Estimate }
    | { readonly kind: 'late'; readonly users: CountedUsers | null }
    | { readonly kind: 'loading' | 'busy' }
  >;
}

/** What an estimate is of. */
export interface EstimateInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  /** Rows of the population, ascending. */
  readonly seeds: Int32Array;
  readonly suppressed: Int32Array;
  /** The sha256 of the installation's suppression list. */
  readonly suppressionSet: string | null;
  readonly minimumSeeds: number;
  readonly mostSeeds: number;
  readonly mostCandidates: number;
}

/** What an expansion of the same inputs would make of the users of the population, each counted once. */
export interface CountedUsers {
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
  readonly candidates: number;
}

interface Estimate {
  readonly users: CountedUsers;
  /** What its audience would be worth; null where it would make none. */
  readonly expected: { readonly prediction: Expected; readonly seeds: number; readonly candidates: number } | null;
}

/** What an audience would be worth, told from its seeds. */
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
