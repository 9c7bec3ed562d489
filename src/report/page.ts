/** The page of an evaluation: one HTML file with its plots and tables in it, no script and nothing to fetch. */
import type { Manifest } from '../model/manifest.ts';
import type { EvaluationReport } from '../offline/evaluate.ts';
import { MAIN_METHOD } from '../offline/methods.ts';
import { curveChart, methodOrder } from './curve-charts.ts';
import { differenceChart } from './difference-chart.ts';
import { type Chart, drawChart } from './draw.ts';
import { clearSign, escapeText, folded, interval, signedInterval } from './html.ts';
import { predictionChart } from './prediction-chart.ts';
import { seedsChart } from './seeds-chart.ts';
import { settings } from './settings.ts';
import { pageStyle } from './style.ts';
import { campaignTable, curveTable, differenceTable, predictionTable, qualityTable, seedsTable } from './tables.ts';

/** Plots of a report, in the page's order; a prediction is not there where no campaign has seeds enough. */
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
 * The page of `report`, the evaluation of the model of `manifest`. Equal arguments give equal text: no time of writing,
 * no seconds.
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
    section('differences', 'How far ahead', DIFFERENCE_TEXT, plot('differences'), differenceTable(report)),
    section(
      'prediction',
      'What was predicted',
      PREDICTION_TEXT,
      plot('prediction') || '<p>No campaign has seeds enough to predict from.</p>',
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
  'AUC is the chance that a member is ranked above somebody who is none: 0.5 is chance, 1 is perfect. Precision, ' +
  'recall and lift judge the best-ranked 5 %: the part of them that are members, the part of all members that are ' +
  'among them, and how many times as many that is as at random.';
const SIZE_TEXT =
  'Recall is the part of the members that an audience of that size holds, lift how many times as many members it ' +
  'has as a random one. Lines are means over campaigns, bands their 95 % intervals; where bands overlap much, look at' +
  ' the differences below, which are taken campaign by campaign and are much clearer.';
const DIFFERENCE_TEXT =
  'Each row is metaheac less a method, campaign by campaign, averaged, with its 95 % interval: to the right of zero' +
  ' metaheac is ahead. Full circles are clearly ahead, diamonds clearly behind; of a ring the interval holds zero, ' +
  'so that the difference may be chance.';
const PREDICTION_TEXT =
  'Before an audience is used, metaheac predicts its recall from the seeds alone, as a 90 % interval: nine of ten ' +
  'should hold the truth. A point on the dashed line was predicted exactly; long intervals are of campaigns with ' +
  'few seeds or few members to find.';
const SEEDS_TEXT =
  'Each pale point is a campaign; campaigns of about as many seeds are averaged, with 95 % intervals. More seeds ' +
  'say more of the audience, but campaigns differ too: those with many seeds may be harder ones.';
const SETTINGS_TEXT =
  'A method gets the seeds of a test campaign and ranks users whose membership only the measure knows; nothing was ' +
  'trained or chosen on test campaigns. Every number is a mean over campaigns, each the mean over its repeats with ' +
  'other draws; intervals come from resampling campaigns.';

function header(report: EvaluationReport, manifest: Manifest): string {
  const own = report.groups.all!;
  const [rival] = methodOrder(report).slice(1);
  const cards = [
    card('AUC', own.auc.mean.toFixed(3), `95 % interval ${bounds(own.auc, 3)}`),
    card('precision@5 %', own.precision['0.05']!.mean.toFixed(3), `95 % interval ${bounds(own.precision['0.05']!, 3)}`),
    card('recall@5 %', own.recall['0.05']!.mean.toFixed(3), `95 % interval ${bounds(own.recall['0.05']!, 3)}`),
    card('lift@5 %', own.lift['0.05']!.mean.toFixed(1), `95 % interval ${bounds(own.lift['0.05']!, 1)}`),
  ];
  const repeats = `${report.repeats} repeat${report.repeats === 1 ? '' : 's'}`;
  return [
    '<header>',
    `<h1>How well ${escapeText(manifest.name)} finds members</h1>`,
    `<p class="about">Model <b>${escapeText(report.model)}</b> on data set <b>${escapeText(report.dataset)}</b>: ` +
      `${report.campaigns.length} test campaigns, ${repeats}.</p>`,
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
    `Beside <b>${escapeText(rival)}</b>, the strongest other method by AUC, ${MAIN_METHOD} is ` +
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
