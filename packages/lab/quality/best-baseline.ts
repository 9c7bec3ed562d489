/** Compares the model with the best other method on each data set and group. The verdict is ahead, level or behind. */
import type { Interval } from '../../../src/lib/interval.ts';
import type { EvaluationReport } from '../../../src/training/evaluation/evaluate.ts';
import { MAIN_METHOD } from '../../../src/training/evaluation/methods.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';
import { GROUPS, groupsOf, plain, SHARE, short, signed, table } from './format.ts';

/**
 * The verdict of a comparison. It is `level` if the interval contains zero, or if there is only one campaign and thus
 * no interval.
 */
export type Verdict = 'ahead' | 'level' | 'behind';
const VERDICTS: readonly Verdict[] = ['ahead', 'level', 'behind'];

export type Measure = 'AUC' | 'precision@5%';
export const MEASURES: readonly Measure[] = ['AUC', 'precision@5%'];

export interface Comparison {
  readonly group: GroupName;
  readonly measure: Measure;
  readonly own: Interval;
  /**
   * The method, other than the model, with the largest mean of the measure in the group. The comparison favours this
   * method, because the method is chosen by its results.
   */
  readonly best: string;
  readonly theirs: number;
  /** The model's quality minus that of the method `best`, campaign by campaign. */
  readonly difference: Interval;
  readonly verdict: Verdict;
}

/** Returns a comparison for each group and measure of a report, in the order of the table. */
export function compareWithBest({ methods, differences }: EvaluationReport): Comparison[] {
  const others = Object.keys(differences);
  return groupsOf(methods[MAIN_METHOD]!).flatMap((group) =>
    MEASURES.flatMap((measure) => {
      const qualityOf = (method: string) => intervalOf(methods[method]![group]!, measure);
      const [first, ...rest] = others;
      if (first === undefined) return [];
      const best = rest.reduce((a, b) => (qualityOf(b).mean > qualityOf(a).mean ? b : a), first);
      const difference = intervalOf(differences[best]![group]!, measure);
      const own = qualityOf(MAIN_METHOD);
      return [{ group, measure, own, best, theirs: qualityOf(best).mean, difference, verdict: verdictOf(difference) }];
    }),
  );
}

export function verdictOf({ low, high }: Interval): Verdict {
  if (low === high) return 'level';
  return low > 0 ? 'ahead' : high < 0 ? 'behind' : 'level';
}

interface Named {
  readonly name: string;
  readonly report: EvaluationReport;
}

/**
 * Returns a table with a row for each data set and group, followed by the count of each verdict. The table is empty if
 * there are no reports.
 */
export function bestBaselineTable(reports: readonly Named[]): string {
  const rows = reports.flatMap(({ name, report }) => {
    const comparisons = compareWithBest(report);
    return GROUPS.flatMap((group) => {
      const own = comparisons.filter((one) => one.group === group);
      return own.length === 0 ? [] : [[name, group, ...own.flatMap(cellsOf)]];
    });
  });
  if (rows.length === 0) return '';
  const heads = MEASURES.flatMap((measure) => [measure, 'best of the others', 'difference', 'verdict']);
  return `${table(['data set', 'group', ...heads], rows)}\n\n${countVerdicts(reports)}`;
}

function cellsOf({ measure, own, best, theirs, difference, verdict }: Comparison): string[] {
  const digits = measure === 'AUC' ? 4 : 3;
  return [plain(own, digits), `${best} ${short(theirs, digits)}`, signed(difference, digits), verdict];
}

function countVerdicts(reports: readonly Named[]): string {
  const comparisons = reports.flatMap(({ report }) => compareWithBest(report));
  const count = (of: string, unit: string, within: readonly Comparison[]) =>
    within.length === 0
      ? []
      : [`${of}: ${verdictCounts(within.map(({ verdict }) => verdict))} of ${within.length} ${unit}.`];
  return MEASURES.map((measure) => {
    const own = comparisons.filter((one) => one.measure === measure);
    const counts = [
      ...count(
        `${measure} over all campaigns`,
        'data sets',
        own.filter(({ group }) => group === 'all'),
      ),
      ...count(
        `${measure} in small or large campaigns`,
        'groups',
        own.filter(({ group }) => group !== 'all'),
      ),
    ];
    return counts.join(' ');
  }).join('\n\n');
}

/** Counts verdicts as text, for example `ahead in 3, level in 1, behind in 0`. */
function verdictCounts(verdicts: readonly Verdict[]): string {
  return VERDICTS.map((one) => `${one} in ${verdicts.filter((verdict) => verdict === one).length}`).join(', ');
}

export function intervalOf(
  of: { readonly auc: Interval; readonly precision: Readonly<Record<string, Interval>> },
  measure: Measure,
): Interval {
  return measure === 'AUC' ? of.auc : of.precision[SHARE]!;
}
