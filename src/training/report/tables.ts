/** The tables next to the plots: every number that is drawn. */
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { holdsTruth } from '../evaluation/prediction-check.ts';
import { methodOrder } from './curve-charts.ts';
import { type Cell, clearSign, folded, interval, percent, signedInterval, table } from './html.ts';

const SHARE = '0.05';

export function qualityTable(report: EvaluationReport): string {
  const rows = methodOrder(report).flatMap((method) =>
    Object.entries(report.methods[method]!).map(([group, { campaigns, auc, precision, recall, lift }], i) => [
      { text: i === 0 ? method : '', heading: true },
      group,
      String(campaigns),
      { text: interval(auc, 3), strong: method === MAIN_METHOD },
      interval(precision[SHARE]!, 3),
      interval(recall[SHARE]!, 3),
      interval(lift[SHARE]!, 1),
    ]),
  );
  const columns = ['method', 'group', 'campaigns', 'AUC', 'precision@5 %', 'recall@5 %', 'lift@5 %'];
  return table('Means over campaigns [95 % interval], best AUC first', columns, rows, 2);
}

export function differenceTable(report: EvaluationReport): string {
  const rows = methodOrder(report)
    .filter((method) => method in report.differences)
    .flatMap((method) =>
      Object.entries(report.differences[method]!).map(([group, { auc, precision }], i): (Cell | string)[] => [
        { text: i === 0 ? method : '', heading: true },
        group,
        { text: signedInterval(auc, 4), strong: clearSign(auc) !== 0 },
        { text: signedInterval(precision[SHARE]!, 3), strong: clearSign(precision[SHARE]!) !== 0 },
      ]),
    );
  return table(
    'metaheac minus the method [95 % interval]; bold if the interval excludes zero',
    ['method', 'group', 'AUC', 'precision@5 %'],
    rows,
    2,
  );
}

export function curveTable(report: EvaluationReport, what: 'recall' | 'lift'): string {
  const order = methodOrder(report);
  const rows = report.curves[MAIN_METHOD]!.map(({ share }, i) => [
    { text: percent(share), heading: true },
    ...order.map((method) => interval(report.curves[method]![i]![what], what === 'recall' ? 3 : 2)),
  ]);
  const caption = `${what === 'recall' ? 'Recall' : 'Lift'} by share of the ranked users [95 % interval]`;
  return table(caption, ['size', ...order], rows);
}

export function predictionTable({ prediction, campaigns }: EvaluationReport): string {
  const summary = Object.entries(prediction.groups).map(
    ([group, { predicted, campaigns: count, recall, verdicts, weak }]) => {
      const measured = recall[SHARE];
      const of = (text: (one: NonNullable<typeof measured>) => string) => (measured ? text(measured) : '–');
      return [
        { text: group, heading: true },
        `${predicted} of ${count}`,
        of(({ coverage }) => `${Math.round(100 * coverage)} %`),
        of(({ mean_predicted }) => mean_predicted.toFixed(3)),
        of(({ mean_true }) => mean_true.toFixed(3)),
        of(({ mean_absolute_error }) => mean_absolute_error.toFixed(3)),
        of(({ correlation }) => (correlation === null ? '–' : correlation.toFixed(2))),
        `${verdicts.good} / ${verdicts.unsure} / ${verdicts.weak}`,
        `${weak.truly}, ${weak.both}`,
      ];
    },
  );
  const columns = [
    'group',
    'predicted',
    'interval contains truth',
    'mean predicted',
    'mean true',
    'off by',
    'correlation',
    'good / unsure / weak',
    'AUC below 0.6, called weak',
  ];
  const { sets, verdicts } = prediction.random_seeds;
  const lots =
    `With ${sets} sets of random users as seeds, the verdicts were ` +
    `${verdicts.good} good, ${verdicts.unsure} unsure, ${verdicts.weak} weak.`;
  const seedsOf = new Map(campaigns.map(({ id, seeds }) => [id, seeds]));
  const rows = prediction.campaigns.map(({ id, verdict, recall }) => {
    const one = recall[SHARE] ?? null;
    return [
      { text: id, heading: true },
      String(seedsOf.get(id) ?? ''),
      one ? interval(one, 3) : '–',
      one ? one.true.toFixed(3) : '–',
      one ? (holdsTruth(one) ? 'yes' : { text: 'no', strong: true }) : '–',
      verdict,
    ];
  });
  return [
    table('Recall@5 % as predicted from the seeds, and verdicts', columns, summary),
    `<p>${lots}</p>`,
    folded(
      `Predictions of all ${rows.length} campaigns`,
      table('Recall@5 %', ['campaign', 'seeds', 'predicted [90 % interval]', 'true', 'contained', 'verdict'], rows),
    ),
  ].join('\n');
}

export function seedsTable(report: EvaluationReport): string {
  const order = methodOrder(report);
  const rows = report.by_seeds.map(({ from, to, campaigns, auc }) => [
    { text: `${from} to ${to - 1}`, heading: true },
    String(campaigns),
    ...order.map((method) => (campaigns > 1 ? interval(auc[method]!, 3) : auc[method]!.mean.toFixed(3))),
  ]);
  return table('Mean AUC by number of seeds [95 % interval]', ['seeds', 'campaigns', ...order], rows);
}

export function campaignTable(report: EvaluationReport): string {
  const order = methodOrder(report);
  const rows = report.campaigns.map(({ id, group, seeds, rows, members, auc }) => {
    const best = Math.max(...order.map((method) => auc[method]!));
    return [
      { text: id, heading: true },
      group ?? '–',
      String(seeds),
      String(rows),
      String(members),
      ...order.map((method) => ({ text: auc[method]!.toFixed(3), strong: auc[method] === best })),
    ];
  });
  return table(
    'AUC of each campaign; the best is bold',
    ['campaign', 'group', 'seeds', 'ranked', 'members', ...order],
    rows,
    2,
  );
}
