/**
 * A chart of AUC by the number of seeds: one point per campaign, and means of campaigns with similar numbers of seeds.
 */
import { scaleLinear, scaleLog } from 'd3-scale';
import type { SeedBin } from '../evaluation/curves.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import type { Chart } from './draw.ts';
import { shortened } from './html.ts';
import { axis, element, legend, line, lineEntry, type Scales, whiskers } from './svg.ts';
import { colour, type LineStyle, lineStyles, methodOrder } from './theme.ts';

/** Factors that shift means away from the points of their campaigns, so that the points do not hide the means. */
const OWN_SHIFT = 1.03;
const RIVAL_SHIFT = 1.065;
/** Space on the axis before the smallest and after the largest number of seeds, as a factor. */
const MARGIN = 1.12;
const SIZE = { width: 860, height: 400 };
const FRAME = { left: 62, right: SIZE.width - 20, top: 42, bottom: SIZE.height - 52 };

/**
 * Charts the AUC of each campaign by the number of its seeds, with means of bins, and compares these means with those
 * of the strongest other method.
 */
export function seedsChart(report: EvaluationReport): Chart {
  const { campaigns, by_seeds: bins } = report;
  const styles = lineStyles(Object.keys(report.methods));
  const shown = methodOrder(report)
    .slice(0, 2)
    .map((method) => ({ method, style: { ...styles.get(method)!, width: method === MAIN_METHOD ? 2.5 : 1.8 } }));
  const seeds = campaigns.map((campaign) => campaign.seeds);
  const [fewest, most] = [Math.min(...seeds), Math.max(...seeds)];
  const lowest = Math.min(
    ...campaigns.map(({ auc }) => auc[MAIN_METHOD]!),
    ...bins.flatMap(({ auc }) => shown.map(({ method }) => auc[method]!.low)),
  );
  const x = scaleLog()
    .domain([fewest / MARGIN, most * MARGIN])
    .range([FRAME.left, FRAME.right]);
  const y = scaleLinear()
    .domain([Math.floor(lowest * 20) / 20, 1])
    .range([FRAME.bottom, FRAME.top]);
  const described = bins.map(({ from, to, auc }) => `${auc[MAIN_METHOD]!.mean.toFixed(2)} with ${from} to ${to - 1}`);
  return {
    name: 'seeds',
    ...SIZE,
    title: `AUC by number of seeds: ${report.dataset}`,
    description:
      `AUC of ${campaigns.length} campaigns with ${fewest} to ${most} seeds, and means of ` +
      `campaigns with similar numbers of seeds: ${described.join(', ')}.`,
    body: [
      ...axis('left', FRAME, y, { name: 'AUC', ticks: y.ticks(7) }),
      ...axis('below', FRAME, x, { name: 'seeds of the campaign', ticks: seedTicks(fewest, most), hasGrid: false }),
      ...campaigns.map((one) => campaignMark(x(one.seeds), y(one.auc[MAIN_METHOD]!), 3.5)),
      ...[...shown].reverse().flatMap(({ method, style }) => means({ x, y }, bins, method, style)),
      ...legend(
        FRAME.left,
        14,
        [
          { text: 'a campaign, metaheac', symbol: (x, y) => campaignMark(x + 6, y, 5), symbolWidth: 12 },
          ...shown.map(({ method, style }) => lineEntry(`mean of ${shortened(method)}`, style)),
        ],
        30,
      ),
    ],
  };
}

function campaignMark(cx: number, cy: number, r: number): string {
  return element('circle', { cx, cy, r, fill: colour('own'), 'fill-opacity': 0.45 });
}

/** A method's means with their intervals, and a line through the means. */
function means(scales: Scales, bins: readonly SeedBin[], method: string, style: LineStyle): string[] {
  const isOwn = method === MAIN_METHOD;
  const points = bins.map(({ seeds, auc }) => ({
    x: seeds * (isOwn ? OWN_SHIFT : RIVAL_SHIFT),
    y: auc[method]!.mean,
    ...auc[method]!,
    mark: isOwn ? ('circle' as const) : ('ring' as const),
    colour: style.colour,
  }));
  return [
    line(
      scales,
      points.map(({ x, y }) => [x, y]),
      style,
    ),
    ...whiskers(scales, points, 'y'),
  ];
}

/** The ticks 1, 2, 5, 10 .. within the bounds; if these are too few, the bounds themselves. */
function seedTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let [tick, i] = [1, 0]; tick <= high; i++) {
    if (tick >= low) ticks.push(tick);
    tick *= i % 3 === 1 ? 2.5 : 2;
  }
  return ticks.length > 1 ? ticks : [...new Set([low, high])];
}
