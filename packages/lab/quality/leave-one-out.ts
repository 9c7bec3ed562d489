/**
 * Leave-one-out over data sets: the alternative with the best average over all other data sets is measured on the
 * omitted data set.
 */
import { AppError } from '../../../src/lib/errors.ts';
import type { Interval } from '../../../src/lib/interval.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { bootstrapMean } from '../../../src/training/evaluation/bootstrap.ts';
import { verdictCounts, verdictOf } from './best-baseline.ts';
import { short, signed, table } from './format.ts';

/** The quality of each alternative on each campaign of a data set. The first alternative is the current default. */
export type Alternatives = readonly { readonly dataset: string; readonly alternatives: readonly Alternative[] }[];

export interface Alternative {
  readonly name: string;
  /** The AUC on each campaign. */
  readonly auc: readonly number[];
  readonly precision: readonly number[];
}

/** The quality on one data set of the alternative chosen on all other data sets. */
export interface LeftOut {
  readonly dataset: string;
  readonly campaigns: number;
  /**
   * The alternative with the largest mean AUC, averaged over the other data sets. Of equal alternatives, the first is
   * chosen.
   */
  readonly fitted: string;
  readonly auc: number;
  /** The AUC of the chosen alternative minus that of the first alternative, campaign by campaign. */
  readonly gain: { readonly auc: Interval; readonly precision: Interval };
  /** The alternative with the largest mean AUC on this data set, chosen in hindsight from these results. */
  readonly best: string;
  /** The AUC of the chosen alternative minus that of the best alternative, campaign by campaign. */
  readonly missed: Interval;
}

/**
 * Returns the result for each omitted data set. Throws an invalid_data error if data sets have different alternatives,
 * or if the alternatives of a data set have different numbers of campaigns.
 */
export function leaveOneOut(sets: Alternatives): LeftOut[] {
  const names = sets[0]!.alternatives.map(({ name }) => name);
  for (const set of sets) checkSet(set, names);
  const means = sets.map(({ alternatives }) => alternatives.map(({ auc }) => meanOf(auc)));
  return sets.map(({ dataset, alternatives }, left) => {
    const elsewhere = names.map((_, a) => meanOf(means.filter((_, set) => set !== left).map((of) => of[a]!)));
    const [fitted, best] = [indexOfBest(elsewhere), indexOfBest(means[left]!)];
    const rng = createRng(`bench/leave one out/${dataset}`);
    const difference = (what: 'auc' | 'precision', other: number): Interval => {
      const theirs = alternatives[other]![what];
      const values = alternatives[fitted]![what].map((x, i) => x - theirs[i]!);
      return bootstrapMean(values, rng.fork(`${what}/${names[other]}`));
    };
    return {
      dataset,
      campaigns: alternatives[0]!.auc.length,
      fitted: names[fitted]!,
      auc: means[left]![fitted]!,
      gain: { auc: difference('auc', 0), precision: difference('precision', 0) },
      best: names[best]!,
      missed: difference('auc', best),
    };
  });
}

export function leaveOneOutTable(sets: Alternatives): string {
  const results = leaveOneOut(sets);
  const today = sets[0]!.alternatives[0]!.name;
  const rows = results.map(({ dataset, campaigns, fitted, auc, gain, best, missed }) => [
    dataset,
    String(campaigns),
    fitted,
    short(auc, 4),
    signed(gain.auc, 4),
    signed(gain.precision, 3),
    best,
    signed(missed, 4),
  ]);
  const heads = [
    'omitted data set',
    'campaigns',
    'best on all other data sets',
    'AUC',
    `AUC minus ${today}`,
    `precision@5% minus ${today}`,
    'best on this data set',
    'AUC minus the best',
  ];
  const [auc, precision] = (['auc', 'precision'] as const).map((what) =>
    results.map(({ gain }) => verdictOf(gain[what])),
  );
  const counts = `AUC is ${verdictCounts(auc!)} of ${rows.length} data sets; precision@5% is ${verdictCounts(precision!)}`;
  return `${table(heads, rows)}\n\nCompared with ${today}, ${counts}.`;
}

function checkSet({ dataset, alternatives }: Alternatives[number], names: readonly string[]): void {
  const own = alternatives.map(({ name }) => name);
  if (own.join('\n') !== names.join('\n'))
    throw new AppError('invalid_data', `${dataset} has the alternatives ${own.join(', ')}, not ${names.join(', ')}`);
  if (new Set(own).size < own.length) throw new AppError('invalid_data', `${dataset} lists the same alternative twice`);
  const campaigns = alternatives[0]!.auc.length;
  for (const { name, auc, precision } of alternatives)
    if (auc.length !== campaigns || precision.length !== campaigns)
      throw new AppError(
        'invalid_data',
        `${dataset}, ${name}: ${auc.length} AUCs and ${precision.length} precisions for ${campaigns} campaigns`,
      );
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function indexOfBest(values: readonly number[]): number {
  return values.reduce((best, x, i) => (x > values[best]! ? i : best), 0);
}
