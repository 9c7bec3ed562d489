/** Chooses a method's setting on train campaigns; test campaigns are never used. */
import type { Rng } from '../../lib/rng.ts';
import type { Setting, TunableMethod } from '../baselines/baselines.ts';
import { measureRanking } from '../evaluation/metrics.ts';
import { type Futures, sampleFutures, usersBefore } from '../history/futures.ts';
import type { OneHot } from '../history/one-hot.ts';
import { chooseSettingByEvidence, gainOf, type Outcome, utilityOf } from './evidence.ts';
import { SHARES, type Trial } from './trial.ts';

/** The chosen setting and the settings that were tried. */
export interface SettingChoice<S extends Setting = Setting> {
  readonly setting: S;
  /** Every setting of the grid with its means; empty if no campaign could be tried. */
  readonly tried: readonly ({ readonly setting: S } & Outcome)[];
  /** Number of campaigns tried. */
  readonly campaigns: number;
}

/**
 * How a setting is chosen: by the best mean, or by evidence. Evidence keeps the first setting of the grid unless
 * another setting has an expected gain of at least `LEAST_GAIN` (see `shrunkenGain`).
 */
export type ChoiceRule = 'best mean' | 'evidence';

const SEED_COUNTS = [10, 50, 200];
/** Maximum number of train campaigns. More campaigns would take more time without improving the choice. */
const TRIED_CAMPAIGNS = 24;

/**
 * Treats up to 24 train campaigns as future ones (see `Futures`), and chooses by `rule`. Each campaign is tried with
 * 10, 50 and 200 of its members (at most half of them) as seeds, and with the random numbers of an evaluation. The
 * means are of AUC + precision@5% / 4. If several settings are equally good, the first one wins. Equal random streams
 * select the same campaigns for every method.
 */
export function chooseSetting<S extends Setting>(
  open: (oneHot: OneHot) => TunableMethod<S>,
  futures: Futures,
  rng: Rng,
  rule: ChoiceRule = 'best mean',
): SettingChoice<S> {
  const { settings, outcomes, best, fallback } = playSettings(open, futures, rng, rule);
  const campaigns = outcomes[0]!.length;
  if (campaigns === 0) return { setting: fallback, tried: [], campaigns };
  const tried = settings.map((setting, i) => ({ setting, ...meanOutcome(outcomes[i]!) }));
  return { setting: settings[best]!, tried, campaigns };
}

/** Outcomes of a method's settings. */
export interface PlayedSettings<S extends Setting> {
  readonly settings: readonly S[];
  /** Outcomes by setting, then by campaign. */
  readonly outcomes: readonly (readonly Outcome[])[];
  /** The index of the best setting according to the rule. */
  readonly best: number;
  /** The setting to use if no campaign could be tried. */
  readonly fallback: S;
}

/** The outcomes of every setting of the grid. */
export function playSettings<S extends Setting>(
  open: (oneHot: OneHot) => TunableMethod<S>,
  futures: Futures,
  rng: Rng,
  rule: ChoiceRule = 'best mean',
): PlayedSettings<S> {
  const whole = open(futures.oneHot);
  const folds = sampleFutures(futures, SEED_COUNTS, TRIED_CAMPAIGNS, rng.fork('campaigns'));
  const settings = whole.grid;
  const outcomes = settings.map((): Outcome[] => []);
  for (const { future, trials } of folds) {
    const before = usersBefore(futures, future);
    const method = before === futures.oneHot ? whole : open(before);
    for (const campaign of trials)
      for (const [i, outcome] of playCampaign(method, campaign, settings, rng).entries()) outcomes[i]!.push(outcome);
  }
  return { settings, outcomes, best: bestOf(outcomes, rule), fallback: whole.fallback };
}

/**
 * The outcome of each setting in one campaign. It is the mean over the campaign's trials, with the campaign's own
 * random numbers.
 */
function playCampaign<S extends Setting>(
  method: TunableMethod<S>,
  trials: readonly Trial[],
  settings: readonly S[],
  rng: Rng,
): Outcome[] {
  const evaluated = settings.map((): Outcome[] => []);
  for (const { id, seeds, evaluation, reach } of trials) {
    let at = 0;
    const draws = rng.fork(`${id}/${seeds.length}/negatives`);
    for (const score of method.scorers(seeds, draws, settings, reach)) {
      const { auc, top } = measureRanking(evaluation.users, score(evaluation.users), evaluation.labels, SHARES);
      evaluated[at++]!.push({ auc, precision: top[0]!.precision });
    }
  }
  return evaluated.map(meanOutcome);
}

/** The index of the best setting by the outcomes `[settings][campaigns]`; 0 if there is no campaign. */
function bestOf(outcomes: readonly (readonly Outcome[])[], rule: ChoiceRule): number {
  const [first, ...others] = outcomes;
  if (first!.length === 0) return 0;
  if (rule === 'evidence') {
    const gains = others.map((own) => gainOf(own, first!));
    return chooseSettingByEvidence(gains, first!.length) + 1;
  }
  const utilities = outcomes.map((own) => utilityOf(meanOutcome(own)));
  return utilities.reduce((best, utility, i) => (utility > utilities[best]! ? i : best), 0);
}

export function meanOutcome(outcomes: readonly Outcome[]): Outcome {
  const mean = (of: (outcome: Outcome) => number) => outcomes.reduce((sum, one) => sum + of(one), 0) / outcomes.length;
  return { auc: mean(({ auc }) => auc), precision: mean(({ precision }) => precision) };
}
