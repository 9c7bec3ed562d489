/** Charts with a point a campaign: predicted against true recall, and AUC by the number of seeds. */
import type { SeedBin } from '../offline/curves.ts';
import type { EvaluationReport } from '../offline/evaluate.ts';
import { MAIN_METHOD } from '../offline/methods.ts';
import { holdsTruth, type PredictedTruth } from '../offline/prediction-check.ts';
import { methodOrder } from './curve-charts.ts';
import type { Chart } from './draw.ts';
import { shortened } from './html.ts';
import { axisLook, stroke, type Whisker, whiskers } from './shapes.ts';
import { colour, lineStyles } from './theme.ts';

/** Predictions of recall@5 % that there are. */
function predictedRecalls({ prediction }: EvaluationReport): PredictedTruth[] {
  return prediction.campaigns.flatMap(({ recall }) => recall['0.05'] ?? []);
}

/** Predicted recall@5 % with its 90 % interval above the true one; null where nothing was predicted. */
export function predictionChart(report: EvaluationReport): Chart | null {
  const all = predictedRecalls(report);
  if (all.length === 0) return null;
  const held = all.filter(holdsTruth);
  const most = Math.max(...all.map(({ high, true: truth }) => Math.max(high, truth)));
  const step = most > 0.5 ? 0.2 : most > 0.2 ? 0.1 : 0.05;
  const max = Math.min(1, step * Math.ceil(most / step + 0.02));
  const names = {
    inside: `interval holds the truth: ${held.length} of ${all.length}`,
    outside: `it does not: ${all.length - held.length}`,
  };
  const points = (inside: boolean): Whisker[] =>
    all
      .filter((one) => holdsTruth(one) === inside)
      .map(({ mean, low, high, true: truth }) => ({
        x: truth,
        y: mean,
        low,
        high,
        mark: 'none',
        colour: colour(inside ? 'own' : 'vermilion'),
        opacity: all.length > 60 ? 0.35 : 0.55,
      }));
  const marks = (name: string, inside: boolean) => ({
    type: 'scatter',
    name,
    silent: true,
    z: 4,
    symbol: inside ? 'circle' : 'diamond',
    symbolSize: inside ? 8 : 11,
    itemStyle: { color: colour(inside ? 'own' : 'vermilion'), borderColor: colour('paper'), borderWidth: 1 },
    data: points(inside).map(({ x, y }) => [x, y]),
  });
  const axis = (name: string, nameGap: number) => ({
    ...axisLook(),
    type: 'value',
    min: 0,
    max,
    interval: step,
    name,
    nameLocation: 'middle',
    nameGap,
  });
  return {
    name: 'prediction',
    width: 620,
    height: 520,
    title: `Predicted and true recall@5 %: ${report.dataset}`,
    description:
      'Recall at 5 % that was predicted from the seeds alone against the true one, a point a campaign. ' +
      `The 90 % interval holds the truth of ${held.length} of ${all.length} campaigns.`,
    option: {
      grid: { left: 62, right: 20, top: 44, bottom: 54 },
      legend: {
        top: 4,
        left: 58,
        itemGap: 60,
        itemWidth: 13,
        itemHeight: 13,
        data: [names.inside, names.outside],
        textStyle: { color: colour('ink'), fontSize: 12.5 },
        borderColor: colour('grid'),
        inactiveColor: colour('muted'),
      },
      xAxis: axis('true recall@5 %', 32),
      yAxis: axis('predicted recall@5 %', 42),
      series: [
        {
          type: 'line',
          silent: true,
          symbol: 'none',
          z: 2,
          data: [
            [0, 0],
            [max, max],
          ],
          lineStyle: { color: colour('axis'), width: 1.5, type: [5, 4] },
        },
        whiskers([...points(true), ...points(false)], 'y', { lineWidth: 1.5 }),
        marks(names.inside, true),
        marks(names.outside, false),
      ],
    },
  };
}

const OWN_SHIFT = 1.03;
const RIVAL_SHIFT = 1.065;
const SEED_MARGIN = 1.12;

/** AUC of each campaign by the number of its seeds, and means of bins, beside the strongest other method. */
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
  const meanLine = (name: string) => {
    const { colour: color } = styles.get(name)!;
    const isOwn = name === MAIN_METHOD;
    // beside the points, or these hide it
    const shift = isOwn ? OWN_SHIFT : RIVAL_SHIFT;
    const points = bins.map(({ seeds: x, auc }) => ({ x: x * shift, y: auc[name]!.mean, ...auc[name]! }));
    return [
      whiskers(
        points.map(({ x, y, low, high }) => ({ x, y, low, high, mark: isOwn ? 'circle' : 'ring', colour: color })),
        'y',
      ),
      {
        type: 'line',
        name: legendName(name),
        silent: true,
        symbol: 'none',
        z: 3,
        color,
        data: points.map(({ x, y }) => [x, y]),
        lineStyle: stroke({ ...styles.get(name)!, width: isOwn ? 2.5 : 1.8 }),
      },
    ];
  };
  return {
    name: 'seeds',
    width: 860,
    height: 400,
    title: `AUC by number of seeds: ${report.dataset}`,
    description:
      `AUC of ${campaigns.length} campaigns of ${fewest} to ${most} seeds, with means of ` +
      `campaigns of about as many seeds: ${bins.map(describeBin).join(', ')}.`,
    option: {
      grid: { left: 62, right: 20, top: 42, bottom: 52 },
      legend: {
        top: 2,
        left: 58,
        itemGap: 50,
        itemWidth: 34,
        data: [
          'a campaign, metaheac',
          ...shown.map((name) => ({ name: legendName(name), itemStyle: { opacity: 0 } })),
        ].map((one) => (typeof one === 'string' ? { name: one, itemStyle: {} } : one)),
        textStyle: { color: colour('ink'), fontSize: 12.5 },
        borderColor: colour('grid'),
        inactiveColor: colour('muted'),
      },
      xAxis: {
        ...axisLook(),
        type: 'log',
        min: fewest / SEED_MARGIN,
        max: most * SEED_MARGIN,
        name: 'seeds of the campaign',
        nameLocation: 'middle',
        nameGap: 32,
        axisLabel: {
          ...axisLook().axisLabel,
          customValues: seedTicks(fewest, most),
          formatter: (n: number) => n.toLocaleString('en-US'),
        },
        axisTick: { ...axisLook().axisTick, customValues: seedTicks(fewest, most) },
        splitLine: { show: false },
      },
      yAxis: {
        ...axisLook(),
        type: 'value',
        min: Math.floor(lowest * 20) / 20,
        max: 1,
        name: 'AUC',
        nameLocation: 'middle',
        nameGap: 42,
      },
      series: [
        {
          type: 'scatter',
          name: 'a campaign, metaheac',
          silent: true,
          z: 2,
          symbol: 'circle',
          symbolSize: 7,
          color: colour('own'),
          itemStyle: { color: colour('own'), opacity: 0.45 },
          data: campaigns.map(({ seeds: x, auc }) => [x, auc[MAIN_METHOD]!]),
        },
        ...[...shown].reverse().flatMap(meanLine),
      ],
    },
  };
}

function describeBin({ from, to, auc }: SeedBin): string {
  return `${auc[MAIN_METHOD]!.mean.toFixed(2)} with ${from} to ${to - 1}`;
}

function legendName(method: string): string {
  return `mean of ${shortened(method)}`;
}

/** 1, 2, 5, 10 .. within the bounds; the bounds themselves where that is hardly any. */
function seedTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let [tick, i] = [1, 0]; tick <= high; i++) {
    if (tick >= low) ticks.push(tick);
    tick *= i % 3 === 1 ? 2.5 : 2;
  }
  return ticks.length > 1 ? ticks : [...new Set([low, high])];
}
