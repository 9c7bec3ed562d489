/** The page of an evaluation: one HTML file with plots and tables, without scripts or external resources. */
import { clearSign, type Interval, intervalText } from '../../lib/interval.ts';
import { counted } from '../../lib/text/counted.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { curveChart } from './curve-charts.ts';
import { differenceChart } from './difference-chart.ts';
import type { Chart } from './draw.ts';
import { type Cell, figure, folded, htmlPage, percent, section, signedInterval, table } from './html.ts';
import { seedsChart } from './seeds-chart.ts';
import { escapeText } from './svg.ts';
import { methodOrder } from './theme.ts';

/** The charts of a report, in the order of the page. */
export function reportCharts(report: EvaluationReport): [recall: Chart, lift: Chart, differences: Chart, seeds: Chart] {
  return [curveChart(report, 'recall'), curveChart(report, 'lift'), differenceChart(report), seedsChart(report)];
}

/**
 * The page for `report`, an evaluation of the model with `manifest`. Equal arguments produce equal text, because the
 * page contains no timestamps and no durations.
 */
export function renderPage(report: EvaluationReport, manifest: Manifest): string {
  const [recall, lift, differences, seeds] = reportCharts(report).map(figure);
  const curves = curveTable(report, 'recall') + curveTable(report, 'lift');
  const campaigns = folded(`All ${report.campaigns.length} campaigns`, campaignTable(report));
  return htmlPage(`${manifest.name} on ${report.dataset}: evaluation`, [
    header(report, manifest),
    section('quality', 'Every method', [QUALITY_TEXT, qualityTable(report)]),
    section('size', 'By size of the audience', [SIZE_TEXT, recall!, lift!, folded('Numbers of the curves', curves)]),
    section('differences', 'Differences from other methods', [DIFFERENCE_TEXT, differences!, differenceTable(report)]),
    section('seeds', 'By number of seeds', [SEEDS_TEXT, seeds!, seedsTable(report), campaigns]),
    section('settings', 'How it was measured', [SETTINGS_TEXT, settings(report, manifest)]),
  ]);
}

const QUALITY_TEXT =
  '<p>AUC is the probability that a member is ranked above a non-member; 0.5 is chance, and 1 is perfect. ' +
  'Precision, recall and lift judge the top-ranked 5 % of the users. Precision is the share of these users who ' +
  'are members, recall is the share of all members who are among these users, and lift is the number of members ' +
  'among these users, relative to a random order.</p>';
const SIZE_TEXT =
  '<p>Recall is the share of the members whom an audience of that size contains. Lift is the number of members in ' +
  'the audience, relative to a random audience. Lines are means over campaigns, and bands are their 95 % ' +
  'intervals. If bands overlap a lot, look at the differences below, which are taken campaign by campaign and are ' +
  'much clearer.</p>';
const DIFFERENCE_TEXT =
  '<p>Each row shows metaheac minus a method: the mean of the differences over campaigns, with its 95 % interval. To ' +
  'the right of zero, metaheac is ahead. Filled circles are clearly ahead, and diamonds are clearly behind. The ' +
  'interval of a ring contains zero, so the difference may be chance.</p>';
const SEEDS_TEXT =
  '<p>Each pale point is a campaign. The other marks are means of campaigns with similar numbers of seeds, with 95 % ' +
  'intervals. More seeds say more about the audience, but campaigns also differ: campaigns with many seeds may be ' +
  'harder.</p>';
const SETTINGS_TEXT =
  '<p>Each method gets the seeds of a test campaign and ranks users without knowing who is a member. Nothing ' +
  'was trained or chosen on test campaigns. Every number is a mean over campaigns, and each campaign counts ' +
  'once, with the mean over its repeats, which use different random numbers. Intervals come from resampling ' +
  'campaigns.</p>';

function header(report: EvaluationReport, manifest: Manifest): string {
  const { auc, precision, recall, lift } = report.groups.all!;
  const [, rival] = methodOrder(report);
  return [
    '<header>',
    `<h1>How well ${escapeText(manifest.name)} finds members</h1>`,
    `<p class="about">Model <b>${escapeText(report.model)}</b> on data set <b>${escapeText(report.dataset)}</b>: ` +
      `${report.campaigns.length} test campaigns, ${counted(report.repeats, 'repeat')}.</p>`,
    `<div class="cards">${[
      card('AUC', auc, 3),
      card('precision@5 %', precision['0.05']!, 3),
      card('recall@5 %', recall['0.05']!, 3),
      card('lift@5 %', lift['0.05']!, 1),
    ].join('')}</div>`,
    rival === undefined ? '' : `<p>${verdict(report, rival)}</p>`,
    '</header>',
  ].join('\n');
}

/** Compares metaheac in words with the strongest other method. */
function verdict(report: EvaluationReport, rival: string): string {
  const { auc, precision } = report.differences[rival]!.all!;
  const words = (sign: 1 | -1 | 0) =>
    sign > 0 ? 'clearly ahead' : sign < 0 ? 'clearly behind' : 'not clearly different';
  const at5 = precision['0.05']!;
  return (
    `Compared with <b>${escapeText(rival)}</b>, the strongest other method by AUC, ${MAIN_METHOD} is ` +
    `${words(clearSign(auc))} in AUC (${signedInterval(auc, 4)}) ` +
    `and ${words(clearSign(at5))} in precision@5 % (${signedInterval(at5, 3)}).`
  );
}

function card(name: string, value: Interval, digits: number): string {
  const bounds = intervalText(value, digits).replace(/^\S+ /, '');
  const mean = value.mean.toFixed(digits);
  return `<div><span>${name}</span><strong>${mean}</strong><small>95 % interval ${bounds}</small></div>`;
}

const SHARE = '0.05';

/** The tables next to the plots, with every number that the plots show, and the settings of an evaluation. */
function qualityTable(report: EvaluationReport): string {
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

function differenceTable(report: EvaluationReport): string {
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

function curveTable(report: EvaluationReport, what: 'recall' | 'lift'): string {
  const order = methodOrder(report);
  const rows = report.curves[MAIN_METHOD]!.map(({ share }, i) => [
    { text: percent(share), heading: true },
    ...order.map((method) => intervalText(report.curves[method]![i]![what], what === 'recall' ? 3 : 2)),
  ]);
  const caption = `${what === 'recall' ? 'Recall' : 'Lift'} by share of the ranked users [95 % interval]`;
  return table(caption, ['size', ...order], rows);
}

function seedsTable(report: EvaluationReport): string {
  const order = methodOrder(report);
  const rows = report.by_seeds.map(({ from, to, campaigns, auc }) => [
    { text: `${from} to ${to - 1}`, heading: true },
    String(campaigns),
    ...order.map((method) => (campaigns > 1 ? intervalText(auc[method]!, 3) : auc[method]!.mean.toFixed(3))),
  ]);
  return table('Mean AUC by number of seeds [95 % interval]', ['seeds', 'campaigns', ...order], rows);
}

function campaignTable(report: EvaluationReport): string {
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
function settings(report: EvaluationReport, manifest: Manifest): string {
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
