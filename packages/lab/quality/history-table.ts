/**
 * Formats the table of histories: the quality with short histories compared with long ones, and the changes to the
 * adaptation chosen during training.
 */
import type { EvaluationReport } from '../../../src/training/evaluation/evaluate.ts';
import { compareWithBest, MEASURES, type Measure, verdictCounts } from './best-baseline.ts';
import { describeAdaptation, plain, signed, table } from './format.ts';
import { type HistoryPoint, SIZES } from './histories.ts';

interface Named {
  readonly name: string;
  readonly histories: readonly HistoryPoint[] | null;
}

/**
 * Returns a table over all test campaigns with a row for each data set and length of history. Lines below the table say
 * how often the model is ahead, level or behind for each length of history, and in how many cells the model is behind.
 * Empty if there are no results.
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
  return [text, counts.join('\n'), countBehind(points)].filter((part) => part !== '').join('\n\n');
}

/**
 * Counts the cells in which the model with a short history is behind the best other method with the same history. A
 * cell is a combination of data set, history and measure.
 */
function countBehind(points: readonly HistoryPoint[]): string {
  const short = points.filter(({ campaigns }) => SIZES.includes(campaigns));
  const reports = short.flatMap(({ result }) => (result ? [result.report] : []));
  if (reports.length === 0) return '';
  const cells = reports.flatMap((report) => MEASURES.map((measure) => comparisonOf(report, measure).verdict));
  const behind = cells.filter((verdict) => verdict === 'behind').length;
  const percent = ((100 * behind) / cells.length).toFixed(1);
  const refused = short.length - reports.length;
  return (
    `With ${SIZES.slice(0, -1).join(', ')} or ${SIZES.at(-1)} train campaigns, the model is behind the best other method ` +
    `with the same history by more than the 95 % interval in ${behind} of ${cells.length} cells (data set x history x ` +
    `measure), ${percent} %${refused > 0 ? `; ${refused} histories were refused` : ''}.`
  );
}

function cellsOf(report: EvaluationReport, measure: Measure, digits: number): string[] {
  const { own, best, difference } = comparisonOf(report, measure);
  return [plain(own, digits), best, signed(difference, digits)];
}

function comparisonOf(report: EvaluationReport, measure: Measure) {
  return compareWithBest(report).find((one) => one.group === 'all' && one.measure === measure)!;
}
