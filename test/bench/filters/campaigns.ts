/** Test campaigns with a filter: seeds from everywhere, or seeds that all fit. */
import { createRng, sample } from '../../../src/lib/rng.ts';
import type { Outside } from '../../../src/online/negatives.ts';
import { without } from '../../../src/online/negatives.ts';
import type { CustomiseRequest } from '../../../src/online/online-context.ts';
import { testTrials } from '../../../src/training/choices/trial.ts';
import type { PreparedDataSet } from '../../../src/training/history/prepared-data-set.ts';

/** Minimum number of seeds: that of a service's campaigns by default. */
const LEAST_SEEDS = 10;
/** Minimum number of hidden members who fit: with fewer nothing can be measured. */
const LEAST_HIDDEN = 5;

export const SEED_KINDS = ['from everywhere', 'all fit'] as const;
export type SeedKind = (typeof SEED_KINDS)[number];

/** Users of a population, by whether they fit a filter. */
export interface Split {
  readonly inside: Int32Array;
  readonly outside: Int32Array;
}

/** A campaign with a filter; users are rows of the population, ascending. */
export interface FilteredCampaign {
  readonly id: string;
  readonly kind: SeedKind;
  readonly features: CustomiseRequest['features'];
  readonly seeds: Int32Array;
  /** Members who fit and are not seeds. */
  readonly hidden: Int32Array;
}

export function splitOf(filtered: Uint8Array): Split {
  const rows = Int32Array.from(filtered.keys());
  return { inside: rows.filter((row) => filtered[row] === 0), outside: rows.filter((row) => filtered[row] === 1) };
}

/** Three rules for negatives. */
export const RULES = ['unfiltered', 'filtered', 'matched'] as const;
export type Rule = (typeof RULES)[number];

/**
 * The rows of a request by rule: negatives from everyone, from users who fit, or matched to the seeds as in the
 * service.
 */
export function rowsFor(
  rule: Rule,
  seeds: Int32Array,
  { inside, outside }: Split,
): Pick<CustomiseRequest, 'seeds' | 'candidates' | 'outside'> {
  const [fitting, others] = [without(inside, seeds), without(outside, seeds)];
  switch (rule) {
    case 'unfiltered':
      return { seeds, candidates: Int32Array.from([...fitting, ...others]).sort() };
    case 'filtered':
      return { seeds, candidates: fitting };
    case 'matched': {
      const own: Outside = { seeds: without(outside, others), others, dismissed: new Int32Array(0) };
      return { seeds, candidates: fitting, outside: own };
    }
  }
}

/**
 * The test campaigns of a history, at most `most` of them, evenly chosen. If all seeds are to fit, they are sampled
 * again from the members who fit, at most half of those. A campaign with too few seeds or hidden members is left out.
 */
export function campaignsOf(
  { history, population }: PreparedDataSet,
  kind: SeedKind,
  { inside }: Split,
  most: number,
): FilteredCampaign[] {
  const fits = new Set(inside);
  const trials = testTrials(history.campaigns);
  const step = Math.max(1, trials.length / most);
  const chosen = trials.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  return chosen.flatMap(({ id, features, seeds, evaluation: { users, labels } }): FilteredCampaign[] => {
    const rowsOf = (own: Int32Array) => own.map((user) => population.rowOf[user]!).sort();
    const own = rowsOf(seeds);
    const members = Int32Array.from(new Set([...own, ...rowsOf(users.filter((_, i) => labels[i] === 1))])).sort();
    const fitting = members.filter((row) => fits.has(row));
    const count = Math.min(seeds.length, fitting.length >> 1);
    const used = kind === 'all fit' ? sample(createRng(`bench/filters/${id}`), fitting, count).sort() : own;
    const hidden = without(fitting, used);
    if (used.length < LEAST_SEEDS || hidden.length < LEAST_HIDDEN) return [];
    return [{ id, kind, features, seeds: used, hidden }];
  });
}
