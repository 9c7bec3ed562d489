/** The service that the estimate routes need. */
import type { CountedUsers, EstimateInputs } from '../../domain/estimates.ts';
import type { Interval } from '../../lib/interval.ts';

/** Makes estimates one after another without blocking the caller. */
export interface Estimates {
  /** Resolves within `timeMs`. Throws if the model cannot make estimates. */
  estimate(
    task: EstimateInputs,
    timeMs: number,
  ): Promise<
    | { readonly kind: 'estimate'; readonly estimate: Estimate }
    | { readonly kind: 'late'; readonly users: CountedUsers | null }
    | { readonly kind: 'loading' | 'busy' }
  >;
}

interface Estimate {
  readonly users: CountedUsers;
  /** The expected quality of the audience; null if there would be no audience. */
  readonly expected: {
    readonly prediction: Expected;
    readonly seeds: number;
    readonly fittingSeeds: number;
    readonly candidates: number;
  } | null;
}

/** The expected quality of an audience, predicted from its seeds. */
export interface Expected {
  readonly verdict: 'good' | 'weak' | 'unsure';
  readonly reason: string;
  /** Number of seeds in the population that match the filters; estimates by earlier versions lack this property. */
  readonly fitting_seeds?: number;
  readonly auc: Interval | null;
  /** Intervals by audience size, as a share of the candidates. */
  readonly recall: Readonly<Record<string, Interval>>;
  readonly lift: Readonly<Record<string, Interval>>;
  /** Estimates made by earlier versions lack this property. */
  readonly drift?: { readonly measured: boolean; readonly campaigns: number; readonly auc_before: Interval | null };
}
