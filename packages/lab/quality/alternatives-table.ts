/** Formats the gains from alternatives to the default adaptation over all data sets. */

import type { Interval } from '../../../src/lib/interval.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { bootstrapMean } from '../../../src/training/evaluation/bootstrap.ts';
import { verdictOf } from './best-baseline.ts';
import { table } from './format.ts';
import type { Alternatives } from './leave-one-out.ts';

/**
 * Returns a table with a row for each alternative. The row shows the gain over the first alternative, averaged over
 * data sets, and the data sets on which the alternative is clearly better or worse.
 */
export function alternativesTable(sets: Alternatives): string {
  const names = sets[0]!.alternatives.map(({ name }) => name);
  const rows = names.slice(1).map((name, i) => {
    const gains = (['auc', 'precision'] as const).map((what) => sets.map((set) => gainOf(set, i + 1, what)));
    const cells = gains.flatMap((own, measure) => [
      signedMean(
        own.map(({ mean }) => mean),
        measure === 0 ? 4 : 3,
      ),
      where(sets, own, 'ahead'),
      where(sets, own, 'behind'),
    ]);
    return [name, ...cells];
  });
  const heads = [
    `minus ${names[0]}`,
    'AUC',
    'clearly better on',
    'clearly worse on',
    'precision@5%',
    'clearly better on',
    'clearly worse on',
  ];
  return table(heads, rows);
}

function gainOf({ dataset, alternatives }: Alternatives[number], other: number, what: 'auc' | 'precision'): Interval {
  const own = alternatives[0]![what];
  const values = alternatives[other]![what].map((x, i) => x - own[i]!);
  return bootstrapMean(values, createRng(`bench/alternatives/${dataset}/${what}/${other}`));
}

function where(sets: Alternatives, gains: readonly Interval[], verdict: 'ahead' | 'behind'): string {
  const names = sets.filter((_, i) => verdictOf(gains[i]!) === verdict).map(({ dataset }) => dataset);
  return names.length > 3 ? `${names.length} of ${sets.length}` : names.join(', ');
}

function signedMean(values: readonly number[], digits: number): string {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return `${mean < 0 ? '-' : '+'}${Math.abs(mean).toFixed(digits).replace(/^0/, '')}`;
}
