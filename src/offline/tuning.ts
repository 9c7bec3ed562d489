/** Choice of a method's setting on train campaigns, never on test ones. */
import type { Rng } from '../lib/rng.ts';
import type { Setting, TunableMethod } from './baselines.ts';
import { chooseSettingByEvidence, gainOf, type Outcome, utilityOf } from './evidence.ts';
import { type Futures, sampleFutures, usersBefore } from './futures.ts';
import { measureRanking } from './metrics.ts';
import type { OneHot } from './one-hot.ts';
import { SHARES } from './trial.ts';

/** What was tried and what was chosen. */
export interface SettingChoice<S extends Setting = Setting> {
  readonly setting: S;
  /** Every setting of the grid with its means; empty if no campaign could be tried. */
  readonly tried: readonly ({ readonly setting: S } & Outcome)[];
  /** Number of campaigns tried. */
  readonly campaigns: number;
}

/**
 * How a setting is chosen: the best mean, or the first of the grid unless another has a higher expected gain (see
 * `shrunkenGain`).
 */
export type ChoiceRule = 'best mean' | 'evidence';

const SEED_COUNTS = [10, 50, 200];
/** Maximum number of train campaigns: more do not improve the choice and cost time. */
const TRIED_CAMPAIGNS = 24;

/**
 * Tries up to 24 train campaigns as the future (see `Futures`), each with 10, 50 and 200 of the members (at most half
 * of them) as seeds, with random numbers as in an evaluation, and chooses by `rule`; means are of AUC + precision@5% /
 * 4, and the first of equals wins. Equal streams use the same campaigns, whatever the method.
 */
export function chooseSetting<S extends Setting>(
  open: (oneHot: OneHot) => TunableMethod<S>,
  futures: Futures,
  rng: Rng,
  rule: ChoiceRule = 'best mean',
): SettingChoice<S> {
  const { outcomes, method } = playSettings(open, futures, rng);
  const { grid, fallback } = method;
  const campaigns = outcomes[0]!.length;
  if (campaigns === 0) return { setting: fallback, tried: [], campaigns };
  const tried = grid.map((setting, i) => ({ setting, ...meanOutcome(outcomes[i]!) }));
  if (rule === 'best mean')
    return { setting: tried.reduce((a, b) => (utilityOf(b) > utilityOf(a) ? b : a)).setting, tried, campaigns };
  const [first, ...others] = outcomes;
  const gains = others.map((own) => gainOf(own, first!));
  return { setting: grid[chooseSettingByEvidence(gains, campaigns) + 1]!, tried, campaigns };
}

/** The outcomes of every setting of the grid, by setting, by campaign. */
export function playSettings<S extends Setting>(
  open: (oneHot: OneHot) => TunableMethod<S>,
  futures: Futures,
  rng: Rng,
): { readonly outcomes: readonly (readonly Outcome[])[]; readonly method: TunableMethod<S> } {
  let users = futures.oneHot;
  let method = open(users);
  const outcomes = method.grid.map((): Outcome[] => []);
  for (const { future, trials } of sampleFutures(futures, SEED_COUNTS, TRIED_CAMPAIGNS, rng.fork('campaigns'))) {
    const before = usersBefore(futures, future);
    if (before !== users) method = open(before);
    users = before;
    for (const campaign of trials) {
      const evaluated = method.grid.map((): Outcome[] => []);
      for (const { id, seeds, evaluation, reach } of campaign) {
        let at = 0;
        const draws = rng.fork(`${id}/${seeds.length}/negatives`);
        for (const score of method.scorers(seeds, draws, method.grid, reach)) {
          const { auc, top } = measureRanking(evaluation.users, score(evaluation.users), evaluation.labels, SHARES);
          evaluated[at++]!.push({ auc, precision: top[0]!.precision });
        }
      }
      for (const [i, own] of evaluated.entries()) outcomes[i]!.push(meanOutcome(own));
    }
  }
  return { outcomes, method };
}

export function meanOutcome(outcomes: readonly Outcome[]): Outcome {
  const mean = (of: (outcome: Outcome) => number) => outcomes.reduce((sum, one) => sum + of(one), 0) / outcomes.length;
  return { auc: mean(({ auc }) => auc), precision: mean(({ precision }) => precision) };
}
