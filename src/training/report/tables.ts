/** The tables next to the plots, with every number that the plots show, and the settings of an evaluation. */
import { clearSign, type Interval, intervalText } from '../../lib/interval.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { type Cell, percent, signedInterval, table } from './html.ts';
import { escapeText } from './svg.ts';
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

/** The model, data and settings of an evaluation, as a list of terms. */
export function settings(report: EvaluationReport, manifest: Manifest): string {
  const training = scalars(manifest.training ?? {});
  const chosen = Object.entries(report.chosen).map(
    ([method, { setting }]) => `${method}: ${listed(Object.entries(setting))}`,
  );
  const groups = Object.entries(report.groups).map(([name, { campaigns }]) => `${campaigns} ${name}`);
  const skipped = report.skipped_campaigns.map(({ id, reason }) => `${id} (${reason})`);
  const rows: [string, readonly string[]][] = [
    ['model', [`${manifest.name}, version ${manifest.version}, made ${manifest.created}`]],
    ['training', training.length > 0 ? [listed(training)] : []],
    [
      'adaptation',
      [
        JSON.stringify(manifest.adaptation)
          .replaceAll('"', '')
          .replaceAll(/([,:])/g, '$1 ')
          .slice(1, -1),
      ],
    ],
    ['features of a user', [manifest.features.user.map(({ name }) => name).join(', ')]],
    ['features of a campaign', [manifest.features.campaign.map(({ name }) => name).join(', ') || 'none']],
    ['data set', [report.dataset]],
    ['test campaigns', [groups.join(', ')]],
    ['skipped', skipped],
    ['repeats, seed', [`${report.repeats}, ${report.seed}`]],
    ['chosen on train campaigns', chosen],
    ['interval', ['95 %, percentile bootstrap of the mean over campaigns, 2,000 resamples']],
  ];
  const shown = rows.filter(([, values]) => values.length > 0);
  const items = shown.map(
    ([term, values]) => `<dt>${escapeText(term)}</dt><dd>${values.map(escapeText).join('<br>')}</dd>`,
  );
  return `<dl>\n${items.join('\n')}\n</dl>`;
}

/** The entries of the manifest's `training` that are single values. */
function scalars(training: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(training).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
}

function listed(entries: readonly (readonly [string, unknown])[]): string {
  return entries.map(([name, value]) => `${name} ${value}`).join(', ');
}
