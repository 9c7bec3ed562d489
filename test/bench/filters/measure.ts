/** The effect of filters on audiences and reports: measured on campaigns with known members, and on random seeds. */

import type { Interval } from '../../../src/lib/interval.ts';
import { createRng, sampleWithoutReplacement } from '../../../src/lib/rng.ts';
import { customise } from '../../../src/online/customise.ts';
import { without } from '../../../src/online/negatives.ts';
import type { CustomiseRequest, OnlineContext } from '../../../src/online/online-context.ts';
import { ownToken } from '../../../src/online/own-token.ts';
import type { Prediction, Verdict } from '../../../src/online/quality/prediction.ts';
import type { Scorer } from '../../../src/online/scoring/score.ts';
import { measureRanking } from '../../../src/training/evaluation/metrics.ts';
import { type FilteredCampaign, RULES, type Rule, rowsFor, type SeedKind, type Split } from './campaigns.ts';

/** Sizes at which predictions are compared with the true values, as shares of the candidates. */
const CHECKED_SHARES = [0.05, 0.2] as const;
const RANDOM_SEEDS = 50;

/** One campaign with one filter. */
export interface Measured {
  readonly filter: string;
  readonly kind: SeedKind;
  readonly id: string;
  /** Number of seeds who fit. */
  readonly fitting: number;
  /** AUC of hidden members against all other candidates, by rule. */
  readonly auc: Readonly<Record<Rule, number>>;
  readonly verdict: Verdict;
  /** With matched negatives: predicted metrics, and the true ones against all candidates, including hidden members. */
  readonly checks: Readonly<Record<string, Check>> | null;
}

export interface Check extends Omit<Interval, 'mean'> {
  readonly predicted: number;
  readonly truth: number;
}

export async function measureCampaign(
  context: OnlineContext,
  scorer: Scorer,
  campaign: FilteredCampaign,
  split: Split,
  filter: string,
): Promise<Measured> {
  const { id, kind, features, seeds, hidden } = campaign;
  const left = ownToken(context.model.folder, id);
  const evaluated = without(split.inside, seeds);
  const isHidden = new Set(hidden);
  const labels = Uint8Array.from(evaluated, (row) => (isHidden.has(row) ? 1 : 0));
  const rows = context.population.readRows(evaluated);
  const auc = { unfiltered: 0, filtered: 0, matched: 0 };
  let matched: { prediction: Prediction; recall: (share: number) => number } | null = null;
  for (const rule of RULES) {
    const request: CustomiseRequest = {
      ...{ key: `bench/filters/${id}`, features, without: left, withoutQuality: rule !== 'matched' },
      ...rowsFor(rule, seeds, split),
    };
    const { parameters, prediction } = await customise(context, request);
    const scores = await scorer.score(rows, { features, parameters, without: left });
    const quality = measureRanking(evaluated, scores, labels, CHECKED_SHARES);
    auc[rule] = quality.auc;
    if (prediction) {
      const recall = (share: number) => quality.top.find((top) => top.share === share)!.recall;
      matched = { prediction, recall };
    }
  }
  const { prediction, recall } = matched!;
  const members = hidden.length / evaluated.length;
  const check = ({ mean: predicted, low, high }: Interval, truth: number) => ({
    predicted,
    low,
    high,
    truth,
  });
  const checks = prediction.auc && {
    auc: check(prediction.auc, members / 2 + (1 - members) * auc.matched),
    ...Object.fromEntries(
      CHECKED_SHARES.map((share) => [`recall ${share}`, check(prediction.recall[String(share)]!, recall(share))]),
    ),
  };
  const { fitting_seeds: fitting, verdict } = prediction;
  return { filter, kind, id, fitting, auc, verdict, checks };
}

/** A set of random users as seeds. */
export interface RandomSet {
  readonly filter: string;
  readonly fitting: number;
  readonly verdict: Verdict;
  readonly auc: number | null;
}

/** The prediction for random users from everywhere as seeds, with a filter. */
export async function measureRandom(
  context: OnlineContext,
  features: CustomiseRequest['features'],
  { split, filter, set }: { readonly split: Split; readonly filter: string; readonly set: number },
): Promise<RandomSet> {
  const key = `bench/filters/random/${set}`;
  const seeds = sampleWithoutReplacement(createRng(key), context.population.rowCount, RANDOM_SEEDS).sort();
  const { prediction } = await customise(context, { key, features, ...rowsFor('matched', seeds, split) });
  const { fitting_seeds: fitting, verdict, auc } = prediction!;
  return { filter, fitting, verdict, auc: auc?.mean ?? null };
}
