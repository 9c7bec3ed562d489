/** The page of an evaluation: one HTML file with its plots and tables, without scripts or external resources. */
import { counted } from '../../lib/text/counted.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { curveChart, methodOrder } from './curve-charts.ts';
import { differenceChart } from './difference-chart.ts';
import { type Chart, drawChart } from './draw.ts';
import { clearSign, escapeText, folded, interval, signedInterval } from './html.ts';
import { predictionChart } from './prediction-chart.ts';
import { seedsChart } from './seeds-chart.ts';
import { settings } from './settings.ts';
import { pageStyle } from './style.ts';
import { campaignTable, curveTable, differenceTable, predictionTable, qualityTable, seedsTable } from './tables.ts';

/** Plots of a report, in the page's order; the prediction is missing if no campaign has enough seeds. */
export function reportCharts(report: EvaluationReport): Chart[] {
  const prediction = predictionChart(report);
  return [
    curveChart(report, 'recall'),
    curveChart(report, 'lift'),
    differenceChart(report),
    ...(prediction ? [prediction] : []),
    seedsChart(report),
  ];
}

/**
 * The page of `report`, the evaluation of the model of `manifest`. Equal arguments produce equal text: it contains no
 * time of writing and no durations.
 */
export function renderPage(report: EvaluationReport, manifest: Manifest): string {
  const plots = new Map(reportCharts(report).map((chart) => [chart.name, figure(chart)]));
  const plot = (name: string) => plots.get(name) ?? '';
  const title = `${manifest.name} on ${report.dataset}`;
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeText(title)}: evaluation</title>`,
    `<style>${pageStyle()}</style>`,
    '</head>',
    '<body>',
    '<main>',
    header(report, manifest),
    section('quality', 'Every method', QUALITY_TEXT, qualityTable(report)),
    section(
      'size',
      'By size of the audience',
      SIZE_TEXT,
      plot('recall'),
      plot('lift'),
      folded('Numbers of the curves', curveTable(report, 'recall') + curveTable(report, 'lift')),
    ),
    section(
      'differences',
      'Differences to other methods',
      DIFFERENCE_TEXT,
      plot('differences'),
      differenceTable(report),
    ),
    section(
      'prediction',
      'Predicted and true quality',
      PREDICTION_TEXT,
      plot('prediction') || '<p>No campaign has enough seeds for a prediction.</p>',
      `<p>${driftText(report.prediction.drift)}</p>`,
      predictionTable(report),
    ),
    section(
      'seeds',
      'By number of seeds',
      SEEDS_TEXT,
      plot('seeds'),
      seedsTable(report),
      folded(`All ${report.campaigns.length} campaigns`, campaignTable(report)),
    ),
    section('settings', 'How it was measured', SETTINGS_TEXT, settings(report, manifest)),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const QUALITY_TEXT =
  'AUC is the probability that a member is ranked above a non-member: 0.5 is chance, 1 is perfect. ' +
  'Precision, recall and lift judge the top-ranked 5 %: the share of them that are members, the share of all ' +
  'members that are among them, and that number relative to a random order.';
const SIZE_TEXT =
  'Recall is the share of the members that an audience of that size contains, lift its number of members ' +
  'relative to a random audience. Lines are means over campaigns, bands their 95 % intervals; where bands ' +
  'overlap a lot, look at the differences below, which are taken campaign by campaign and are much clearer.';
const DIFFERENCE_TEXT =
  'Each row is metaheac minus a method, campaign by campaign, averaged, with its 95 % interval: to the right ' +
  'of zero metaheac is ahead. Filled circles are clearly ahead, diamonds clearly behind; the interval of a ' +
  'ring contains zero, so the difference may be chance.';
const PREDICTION_TEXT =
  'Before an audience is used, metaheac predicts its recall from the seeds alone, as a 90 % interval: nine ' +
  'of ten should contain the truth. A point on the dashed line was predicted exactly; campaigns with few ' +
  'seeds or few members to find have long intervals.';
const SEEDS_TEXT =
  'Each pale point is a campaign; campaigns with similar numbers of seeds are averaged, with 95 % intervals. ' +
  'More seeds say more about the audience, but campaigns differ too: those with many seeds may be harder.';
const SETTINGS_TEXT =
  'A method gets the seeds of a test campaign and ranks users whose membership only the metrics know; ' +
  'nothing was trained or chosen on test campaigns. Every number is a mean over campaigns, each the mean ' +
  'over its repeats with different random numbers; intervals come from resampling campaigns.';

function header(report: EvaluationReport, manifest: Manifest): string {
  const own = report.groups.all!;
  const [rival] = methodOrder(report).slice(1);
  const cards = [
    card('AUC', own.auc.mean.toFixed(3), `95 % interval ${bounds(own.auc, 3)}`),
    card('precision@5 %', own.precision['0.05']!.mean.toFixed(3), `95 % interval ${bounds(own.precision['0.05']!, 3)}`),
    card('recall@5 %', own.recall['0.05']!.mean.toFixed(3), `95 % interval ${bounds(own.recall['0.05']!, 3)}`),
    card('lift@5 %', own.lift['0.05']!.mean.toFixed(1), `95 % interval ${bounds(own.lift['0.05']!, 1)}`),
  ];
  return [
    '<header>',
    `<h1>How well ${escapeText(manifest.name)} finds members</h1>`,
    `<p class="about">Model <b>${escapeText(report.model)}</b> on data set <b>${escapeText(report.dataset)}</b>: ` +
      `${report.campaigns.length} test campaigns, ${counted(report.repeats, 'repeat')}.</p>`,
    `<div class="cards">${cards.join('')}</div>`,
    rival === undefined ? '' : `<p>${verdict(report, rival)}</p>`,
    '</header>',
  ].join('\n');
}

/** The comparison with the strongest other method, in words. */
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

function bounds(values: { mean: number; low: number; high: number }, digits: number): string {
  return interval(values, digits).replace(/^\S+ /, '');
}

function card(name: string, value: string, note: string): string {
  return `<div><span>${name}</span><strong>${value}</strong><small>${note}</small></div>`;
}

function section(id: string, heading: string, text: string, ...content: readonly string[]): string {
  return [`<section id="${id}">`, `<h2>${heading}</h2>`, `<p>${text}</p>`, ...content, '</section>'].join('\n');
}

function figure(chart: Chart): string {
  return [
    `<figure style="max-width:${chart.width}px">`,
    drawChart(chart),
    `<figcaption>${escapeText(chart.description)}</figcaption>`,
    '</figure>',
  ].join('\n');
}

function driftText({ measured, campaigns }: EvaluationReport['prediction']['drift']): string {
  return measured
    ? `Predictions count with drift, as training measured it on ${campaigns} past campaigns: later members are less ` +
        'like the seeds than the seeds are like each other.'
    : 'Predictions assume no drift: the model knows of no dates, so later members are taken to be like the seeds.';
}
