/** The table of histories: whether a short one is as safe as a long one, and what was chosen on it. */
import type { EvaluationReport } from '../../../src/offline/evaluate.ts';
import { compareWithBest, type Measure, verdictCounts } from './best-baseline.ts';
import { describeAdaptation, plain, signed, table } from './format.ts';
import type { HistoryPoint } from './histories.ts';

interface Named {
  readonly name: string;
  readonly histories: readonly HistoryPoint[] | null;
}

/**
 * All test campaigns: one row a data set and length of history, and how often the model is ahead, level or behind by
 * length; empty without results.
 */
export function historyTable(sets: readonly Named[]): string {
  const points = sets.flatMap(({ name, histories }) => (histories ?? []).map((point) => ({ name, ...point })));
  const rows = points.map(({ name, campaigns, result, refused }) => {
    if (!result) return [name, String(campaigns), ...Array.from({ length: 6 }, () => '-'), refused ?? '', ''];
    const { report, training, taken } = result;
    return [
      name,
      String(campaigns),
      ...cellsOf(report, 'AUC', 4),
      ...cellsOf(report, 'precision@5%', 3),
      taken.join('; ') || 'nothing',
      describeAdaptation(training.adaptation),
    ];
  });
  if (rows.length === 0) return '';
  const heads = ['AUC', 'best of the others', 'difference', 'precision@5%', 'best of the others', 'difference'];
  const text = table(['data set', 'train campaigns', ...heads, 'taken', 'adaptation'], rows);
  const sizes = [...new Set(points.map(({ campaigns }) => campaigns))].sort((a, b) => a - b);
  const counts = sizes.flatMap((size) => {
    const reports = points.flatMap(({ campaigns, result }) => (campaigns === size && result ? [result.report] : []));
    const count = (measure: Measure) =>
      `${measure} is ${verdictCounts(reports.map((report) => comparisonOf(report, measure).verdict))}`;
    return reports.length === 0
      ? []
      : [`- ${size} train campaign${size === 1 ? '' : 's'}: ${count('AUC')}; ${count('precision@5%')}`];
  });
  return `${text}\n\n${counts.join('\n')}`;
}

function cellsOf(report: EvaluationReport, measure: Measure, digits: number): string[] {
  const { own, best, difference } = comparisonOf(report, measure);
  return [plain(own, digits), best, signed(difference, digits)];
}

function comparisonOf(report: EvaluationReport, measure: Measure) {
  return compareWithBest(report).find((one) => one.group === 'all' && one.measure === measure)!;
}
