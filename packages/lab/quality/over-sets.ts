/** Summarises results over all data sets. */
import type { Interval } from '../../../src/lib/interval.ts';
import { counted } from '../../../src/lib/text/counted.ts';
import type { EvaluationReport } from '../../../src/training/evaluation/evaluate.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';
import { compareWithBest, intervalOf, MEASURES, type Measure, verdictOf } from './best-baseline.ts';
import { groupsOf, signed, table } from './format.ts';

/**
 * Returns the mean over independent data sets and its 95 % interval. Each data set counts once, and the squared errors
 * of the independent means add up.
 */
export function meanOverSets(intervals: readonly Interval[]): Interval {
  const count = intervals.length;
  const mean = intervals.reduce((sum, own) => sum + own.mean, 0) / count;
  const error = (of: (own: Interval) => number) => Math.hypot(...intervals.map(of)) / count;
  return { mean, low: mean - error((own) => own.mean - own.low), high: mean + error((own) => own.high - own.mean) };
}

interface Named {
  readonly name: string;
  readonly report: EvaluationReport;
}

/** The model's quality minus that of another method, on one group of a data set. */
interface Cell {
  readonly name: string;
  readonly group: GroupName;
  readonly difference: Interval;
}

const DIGITS: Readonly<Record<Measure, number>> = { AUC: 4, 'precision@5%': 3 };

/**
 * Returns a table with a row for the best other method, chosen in hindsight for each data set and group, and a row for
 * each method that was measured on all data sets. The groups in which the model is behind the best other method are
 * listed below the table. Empty if there are no reports.
 */
export function overSetsTable(reports: readonly Named[]): string {
  if (reports.length === 0) return '';
  const shared = Object.keys(reports[0]!.report.differences).filter((method) =>
    reports.every(({ report }) => method in report.differences),
  );
  const best = (measure: Measure): Cell[] =>
    reports.flatMap(({ name, report }) =>
      compareWithBest(report)
        .filter((one) => one.measure === measure)
        .map(({ group, difference }) => ({ name, group, difference })),
    );
  const beside =
    (method: string) =>
    (measure: Measure): Cell[] =>
      reports.flatMap(({ name, report }) => {
        const own = report.differences[method]!;
        return groupsOf(own).map((group) => ({ name, group, difference: intervalOf(own[group]!, measure) }));
      });
  const rows = [
    ['the best other method', ...MEASURES.flatMap((measure) => cellsOf(best(measure), measure))],
    ...shared.map((method) => [method, ...MEASURES.flatMap((measure) => cellsOf(beside(method)(measure), measure))]),
  ];
  const heads = MEASURES.flatMap((measure) => [measure, 'groups behind', 'worst group']);
  const behind = MEASURES.map((measure) => {
    const cells = groupCells(best(measure)).filter(isBehind);
    const named = cells.map(({ name, group, difference }) => `${name} ${group} ${signed(difference, DIGITS[measure])}`);
    return `${measure}: ${named.join(', ') || 'no group'} is behind the best other method by more than the interval.`;
  });
  return `${table([`metaheac minus (mean of ${counted(reports.length, 'data set')})`, ...heads], rows)}\n\n${behind.join('\n\n')}`;
}

function cellsOf(cells: readonly Cell[], measure: Measure): string[] {
  const groups = groupCells(cells);
  const [first, ...others] = groups;
  // without other methods, there is nothing to compare
  if (first === undefined) return ['', '', ''];
  const worst = others.reduce((a, b) => (b.difference.mean < a.difference.mean ? b : a), first);
  const whole = cells.filter(({ group }) => group === 'all').map(({ difference }) => difference);
  return [
    signed(meanOverSets(whole), DIGITS[measure]),
    `${groups.filter(isBehind).length} of ${groups.length}`,
    `${signed(worst.difference, DIGITS[measure])} (${worst.name} ${worst.group})`,
  ];
}

/** Returns whichever of the groups `small` and `large` the data set has, or all campaigns if it has neither. */
function groupCells(cells: readonly Cell[]): readonly Cell[] {
  const divided = new Set(cells.filter(({ group }) => group !== 'all').map(({ name }) => name));
  return cells.filter(({ name, group }) => (group === 'all') !== divided.has(name));
}

function isBehind({ difference }: Cell): boolean {
  return verdictOf(difference) === 'behind';
}
