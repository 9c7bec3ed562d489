/** The page of an evaluation: one HTML file with plots and tables, without scripts or external resources. */
import { clearSign, type Interval, intervalText } from '../../lib/interval.ts';
import { counted } from '../../lib/text/counted.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { curveChart } from './curve-charts.ts';
import { differenceChart } from './difference-chart.ts';
import type { Chart } from './draw.ts';
import { figure, folded, htmlPage, section, signedInterval } from './html.ts';
import { seedsChart } from './seeds-chart.ts';
import { settings } from './settings.ts';
import { escapeText } from './svg.ts';
import { campaignTable, curveTable, differenceTable, qualityTable, seedsTable } from './tables.ts';
import { methodOrder } from './theme.ts';

/** The charts of a report, in the order of the page. */
export function reportCharts(report: EvaluationReport): [recall: Chart, lift: Chart, differences: Chart, seeds: Chart] {
  return [curveChart(report, 'recall'), curveChart(report, 'lift'), differenceChart(report), seedsChart(report)];
}

/**
 * The page for `report`, an evaluation of the model with `manifest`. Equal arguments produce equal text, because the
 * page has no time of writing and no durations.
 */
export function renderPage(report: EvaluationReport, manifest: Manifest): string {
  const [recall, lift, differences, seeds] = reportCharts(report).map(figure);
  const curves = curveTable(report, 'recall') + curveTable(report, 'lift');
  const campaigns = folded(`All ${report.campaigns.length} campaigns`, campaignTable(report));
  return htmlPage(`${manifest.name} on ${report.dataset}: evaluation`, [
    header(report, manifest),
    section('quality', 'Every method', [QUALITY_TEXT, qualityTable(report)]),
    section('size', 'By size of the audience', [SIZE_TEXT, recall!, lift!, folded('Numbers of the curves', curves)]),
    section('differences', 'Differences to other methods', [DIFFERENCE_TEXT, differences!, differenceTable(report)]),
    section('seeds', 'By number of seeds', [SEEDS_TEXT, seeds!, seedsTable(report), campaigns]),
    section('settings', 'How it was measured', [SETTINGS_TEXT, settings(report, manifest)]),
  ]);
}

const QUALITY_TEXT =
  '<p>AUC is the probability that a member is ranked above a non-member: 0.5 is chance, 1 is perfect. ' +
  'Precision, recall and lift judge the top-ranked 5 %: the share of them that are members, the share of all ' +
  'members that are among them, and that number relative to a random order.</p>';
const SIZE_TEXT =
  '<p>Recall is the share of the members that an audience of that size contains, lift its number of members ' +
  'relative to a random audience. Lines are means over campaigns, bands their 95 % intervals; where bands ' +
  'overlap a lot, look at the differences below, which are taken campaign by campaign and are much clearer.</p>';
const DIFFERENCE_TEXT =
  '<p>Each row is metaheac minus a method, campaign by campaign, averaged, with its 95 % interval: to the right ' +
  'of zero metaheac is ahead. Filled circles are clearly ahead, diamonds clearly behind; the interval of a ' +
  'ring contains zero, so the difference may be chance.</p>';
const SEEDS_TEXT =
  '<p>Each pale point is a campaign; campaigns with similar numbers of seeds are averaged, with 95 % intervals. ' +
  'More seeds say more about the audience, but campaigns differ too: those with many seeds may be harder.</p>';
const SETTINGS_TEXT =
  '<p>Each method is given the seeds of a test campaign and ranks users whose membership is hidden from it; ' +
  'nothing was trained or chosen on test campaigns. Every number is a mean over campaigns, each the mean ' +
  'over its repeats with different random numbers; intervals come from resampling campaigns.</p>';

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
