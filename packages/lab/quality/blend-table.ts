/** Formats tables that show how much quality is lost when an element of the blend choice is left out. */

import type { Interval } from '../../../src/lib/interval.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { bootstrapMean } from '../../../src/training/evaluation/bootstrap.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';
import { MEASURES, type Measure, verdictOf } from './best-baseline.ts';
import type { BlendResult } from './blend-run.ts';
import { GROUPS, repeated, short, signed, table } from './format.ts';
import { meanOverSets } from './over-sets.ts';

export interface BlendOfSet {
  readonly name: string;
  readonly blend: BlendResult | null;
  /**
   * The result with truncated lists of past campaigns; null if the data set has no such lists, or if this part was not
   * run.
   */
  readonly cutLists: BlendResult | null;
}

/**
 * The source of a row's numbers: the result with whole or truncated lists of past campaigns, and a variant in that
 * result.
 */
type Place = readonly [lists: 'whole' | 'cut', variant: string];

interface Row {
  readonly title: string;
  /** Returns the source of the numbers. `isCut` says whether there is a result with truncated lists. */
  readonly place: (isCut: boolean) => Place | null;
}

const whole =
  (variant: string): Row['place'] =>
  () => ['whole', variant];
/**
 * Returns the source for a variant of the earlier blend choice. The earlier choice used truncated lists of past
 * campaigns if the data set had such lists.
 */
const before =
  (variant: string): Row['place'] =>
  (isCut) => [isCut ? 'cut' : 'whole', variant];

const ROWS: readonly Row[] = [
  { title: 'share of known candidates per fold (equal shares instead)', place: whole('no protocol') },
  { title: 'whole lists of past campaigns (cut for 95 %)', place: (isCut) => (isCut ? ['cut', 'full'] : null) },
  { title: 'the stack (one weight at a time)', place: whole('no stack') },
  { title: 'weights by the number of seeds', place: whole('no seeds') },
  { title: 'grids that grow', place: whole('no grids') },
  { title: 'all of these', place: before('none') },
  { title: 'all but the shares', place: before('protocol alone') },
  { title: 'all but whole lists', place: (isCut) => (isCut ? ['whole', 'none'] : null) },
  { title: 'all but the stack', place: before('stack alone') },
  { title: 'all but the stack, and weights by seeds', place: before('stack and seeds alone') },
  { title: 'all but grids that grow', place: before('grids alone') },
  { title: 'heads', place: whole('no heads') },
  { title: 'the prior of past campaigns', place: whole('no priors') },
  { title: 'logistic regressions', place: whole('no companions') },
  { title: 'whole-population regressions', place: whole('no regressions') },
  { title: 'everything but one whole-population regression', place: whole('regression alone') },
];

const DIGITS: Readonly<Record<Measure, number>> = { AUC: 4, 'precision@5%': 3 };

/**
 * Returns a table for each data set and its groups. The table shows the quality of the current choice, and the
 * difference between each other row and the current choice. Empty if there are no results.
 */
export function blendBySetTable(sets: readonly BlendOfSet[]): string {
  return sets
    .flatMap((set) => {
      const { name, blend } = set;
      if (!blend) return [];
      const groups = groupsIn(blend);
      const cells = (of: (group: GroupName, measure: Measure) => string) =>
        MEASURES.flatMap((measure) => groups.map((group) => of(group, measure)));
      const full = cells((group, measure) => short(meanOf(valuesOf(blend, 'full', group, measure)), DIGITS[measure]));
      const rows = ROWS.flatMap((row) => {
        if (!differenceOf(set, row, 'all', 'AUC')) return [];
        return [
          [row.title, ...cells((group, measure) => signed(differenceOf(set, row, group, measure)!, DIGITS[measure]))],
        ];
      });
      const heads = MEASURES.flatMap((measure) => groups.map((group) => `${measure} ${group}`));
      const note = blend.recurs ? '' : '; members do not recur, so equal shares are used';
      return [
        `**${name}**, mean of ${repeated(blend.repeats)}${note}\n\n` +
          table(['without', ...heads], [['(nothing: the choice as it is)', ...full], ...rows]),
      ];
    })
    .join('\n\n');
}

/**
 * Returns a table with a row for each change to the choice: the mean difference from the current choice over data sets,
 * and the data sets on which the changed choice is clearly worse or better.
 */
export function blendTable(sets: readonly BlendOfSet[]): string {
  const rows = ROWS.flatMap((row) => {
    const named = sets.flatMap((set) => {
      const byMeasure = MEASURES.map((measure) => differenceOf(set, row, 'all', measure));
      return byMeasure[0] ? [{ name: set.name, byMeasure }] : [];
    });
    if (named.length === 0) return [];
    const cells = MEASURES.flatMap((measure, i) => {
      const own = named.map(({ name, byMeasure }) => ({ name, difference: byMeasure[i]! }));
      const where = (verdict: 'ahead' | 'behind') =>
        own
          .filter(({ difference }) => verdictOf(difference) === verdict)
          .map(({ name }) => name)
          .join(', ');
      const mean = meanOverSets(own.map(({ difference }) => difference));
      return [signed(mean, DIGITS[measure]), where('behind'), where('ahead')];
    });
    return [[row.title, String(named.length), ...cells]];
  });
  const heads = MEASURES.flatMap((measure) => [measure, 'clearly worse on', 'clearly better on']);
  return table(['without', 'data sets', ...heads], rows);
}

/**
 * Returns the quality of a row minus that of the current choice, campaign by campaign, or null if the row has no
 * result.
 */
function differenceOf(
  { name, blend, cutLists }: BlendOfSet,
  row: Row,
  group: GroupName,
  measure: Measure,
): Interval | null {
  const place = row.place(cutLists !== null);
  if (!blend || !place) return null;
  const full = valuesOf(blend, 'full', group, measure);
  const own = valuesOf(place[0] === 'cut' ? cutLists! : blend, place[1], group, measure);
  const rng = createRng(`bench/blend/${name}/${row.title}/${group}/${measure}`);
  return bootstrapMean(
    own.map((x, i) => x - full[i]!),
    rng,
  );
}

function groupsIn({ groups }: BlendResult): GroupName[] {
  return GROUPS.filter((group) => group === 'all' || groups.includes(group));
}

function valuesOf({ groups, variants }: BlendResult, variant: string, group: GroupName, measure: Measure): number[] {
  const own = variants.find(({ name }) => name === variant)!;
  const values = measure === 'AUC' ? own.auc : own.precision;
  return values.filter((_, i) => group === 'all' || groups[i] === group);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
