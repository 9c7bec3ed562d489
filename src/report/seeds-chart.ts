/** AUC by the number of seeds: one point per campaign, and means of campaigns with similar numbers. */
import type { SeedBin } from '../offline/curves.ts';
import type { EvaluationReport } from '../offline/evaluate.ts';
import { MAIN_METHOD } from '../offline/methods.ts';
import { methodOrder } from './curve-charts.ts';
import type { Chart } from './draw.ts';
import { shortened } from './html.ts';
import { legendLook, line, linearAxis, logAxis, whiskers } from './shapes.ts';
import { colour, type LineStyle, lineStyles } from './theme.ts';

const CAMPAIGN = 'a campaign, metaheac';
/** Means are shifted from the points of their campaigns by these factors. */
const OWN_SHIFT = 1.03;
const RIVAL_SHIFT = 1.065;
/** Space before the fewest and after the most seeds, as a factor. */
const MARGIN = 1.12;

/** AUC of each campaign by the number of its seeds, and means of bins, compared with the strongest other method. */
export function seedsChart(report: EvaluationReport): Chart {
  const { campaigns, by_seeds: bins } = report;
  const [, rival] = methodOrder(report);
  const styles = lineStyles(Object.keys(report.methods));
  const shown = [MAIN_METHOD, ...(rival === undefined ? [] : [rival])];
  const seeds = campaigns.map((campaign) => campaign.seeds);
  const [fewest, most] = [Math.min(...seeds), Math.max(...seeds)];
  const lowest = Math.min(
    ...campaigns.map(({ auc }) => auc[MAIN_METHOD]!),
    ...bins.flatMap(({ auc }) => shown.map((name) => auc[name]!.low)),
  );
  return {
    name: 'seeds',
    width: 860,
    height: 400,
    title: `AUC by number of seeds: ${report.dataset}`,
    description:
      `AUC of ${campaigns.length} campaigns with ${fewest} to ${most} seeds, and means of ` +
      `campaigns with similar numbers of seeds: ${bins.map(describeBin).join(', ')}.`,
    option: {
      grid: { left: 62, right: 20, top: 42, bottom: 52 },
      legend: {
        ...legendLook(),
        top: 2,
        left: 58,
        itemGap: 50,
        itemWidth: 34,
        data: [
          { name: CAMPAIGN, itemStyle: {} },
          ...shown.map((name) => ({ name: legendName(name), itemStyle: { opacity: 0 } })),
        ],
      },
      xAxis: logAxis(
        'seeds of the campaign',
        { min: fewest / MARGIN, max: most * MARGIN },
        seedTicks(fewest, most),
        (seeds) => seeds.toLocaleString('en-US'),
      ),
      yAxis: linearAxis('AUC', 42, { min: Math.floor(lowest * 20) / 20, max: 1 }),
      series: [
        {
          type: 'scatter',
          name: CAMPAIGN,
          silent: true,
          z: 2,
          symbol: 'circle',
          symbolSize: 7,
          color: colour('own'),
          itemStyle: { color: colour('own'), opacity: 0.45 },
          data: campaigns.map(({ seeds: x, auc }) => [x, auc[MAIN_METHOD]!]),
        },
        ...[...shown].reverse().flatMap((name) => means(bins, name, styles.get(name)!)),
      ],
    },
  };
}

/** A method's means, with their intervals, and a line through them. */
function means(bins: readonly SeedBin[], name: string, style: LineStyle): object[] {
  const isOwn = name === MAIN_METHOD;
  // shifted from the points, which would otherwise hide it
  const shift = isOwn ? OWN_SHIFT : RIVAL_SHIFT;
  const points = bins.map(({ seeds, auc }) => ({ x: seeds * shift, y: auc[name]!.mean, ...auc[name]! }));
  const mark = isOwn ? ('circle' as const) : ('ring' as const);
  return [
    whiskers(
      points.map(({ x, y, low, high }) => ({ x, y, low, high, mark, colour: style.colour })),
      'y',
    ),
    line(
      legendName(name),
      points.map(({ x, y }) => [x, y]),
      { ...style, width: isOwn ? 2.5 : 1.8 },
      3,
    ),
  ];
}

function describeBin({ from, to, auc }: SeedBin): string {
  return `${auc[MAIN_METHOD]!.mean.toFixed(2)} with ${from} to ${to - 1}`;
}

function legendName(method: string): string {
  return `mean of ${shortened(method)}`;
}

/** 1, 2, 5, 10 .. within the bounds; the bounds themselves if there are hardly any. */
function seedTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let [tick, i] = [1, 0]; tick <= high; i++) {
    if (tick >= low) ticks.push(tick);
    tick *= i % 3 === 1 ? 2.5 : 2;
  }
  return ticks.length > 1 ? ticks : [...new Set([low, high])];
}
