/** The tables next to the plots, with every number that the plots show. */
import { clearSign, type Interval, intervalText } from '../../lib/interval.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { type Cell, percent, signedInterval, table } from './html.ts';
import { methodOrder } from './theme.ts';

const SHARE = '0.05';

export function qualityTable(report: EvaluationReport): string {
  const rows = byMethod(report, report.methods, ({ campaigns, auc, precision, recall, lift }, method) => [
    String(campaigns),
    { text: intervalText(auc, 3), strong: method === MAIN_METHOD },
    intervalText(precision[SHARE]!, 3),
    intervalText(recall[SHARE]!, 3),
    intervalText(lift[SHARE]!, 1),
  ]);
  const columns = ['method', 'group', 'campaigns', 'AUC', 'precision@5 %', 'recall@5 %', 'lift@5 %'];
  return table('Means over campaigns [95 % interval], best AUC first', columns, rows, 2);
}

export function differenceTable(report: EvaluationReport): string {
  const cell = (interval: Interval, digits: number): Cell => ({
    text: signedInterval(interval, digits),
    strong: clearSign(interval) !== 0,
  });
  const rows = byMethod(report, report.differences, ({ auc, precision }) => [cell(auc, 4), cell(precision[SHARE]!, 3)]);
  const caption = 'metaheac minus the method [95 % interval]; bold if the interval excludes zero';
  return table(caption, ['method', 'group', 'AUC', 'precision@5 %'], rows, 2);
}

/** A row for each group of each method. */
function byMethod<T>(
  report: EvaluationReport,
  entries: Readonly<Record<string, Readonly<Partial<Record<string, T>>>>>,
  cellsOf: (entry: T, method: string) => (Cell | string)[],
): (Cell | string)[][] {
  return methodOrder(report).flatMap((method) =>
    Object.entries(entries[method] ?? {}).map(([group, entry], i) => [
      { text: i === 0 ? method : '', heading: true },
      group,
      ...cellsOf(entry!, method),
    ]),
  );
}

export function curveTable(report: EvaluationReport, what: 'recall' | 'lift'): string {
  const order = methodOrder(report);
  const rows = report.curves[MAIN_METHOD]!.map(({ share }, i) => [
    { text: percent(share), heading: true },
    ...order.map((method) => intervalText(report.curves[method]![i]![what], what === 'recall' ? 3 : 2)),
  ]);
  const caption = `${what === 'recall' ? 'Recall' : 'Lift'} by share of the ranked users [95 % interval]`;
  return table(caption, ['size', ...order], rows);
}

export function seedsTable(report: EvaluationReport): string {
  const order = methodOrder(report);
  const rows = report.by_seeds.map(({ from, to, campaigns, auc }) => [
    { text: `${from} to ${to - 1}`, heading: true },
    String(campaigns),
    ...order.map((method) => (campaigns > 1 ? intervalText(auc[method]!, 3) : auc[method]!.mean.toFixed(3))),
  ]);
  return table('Mean AUC by number of seeds [95 % interval]', ['seeds', 'campaigns', ...order], rows);
}

export function campaignTable(report: EvaluationReport): string {
  const order = methodOrder(report);
  const rows = report.campaigns.map(({ id, group, seeds, rows, members, auc }) => {
    const best = Math.max(...order.map((method) => auc[method]!));
    return [
      { text: id, heading: true },
      ...[group ?? '–', String(seeds), String(rows), String(members)],
      ...order.map((method) => ({ text: auc[method]!.toFixed(3), strong: auc[method] === best })),
    ];
  });
  const columns = ['campaign', 'group', 'seeds', 'ranked', 'members', ...order];
  return table('AUC of each campaign; the best is bold', columns, rows, 2);
}
