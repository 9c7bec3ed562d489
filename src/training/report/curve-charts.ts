/** Recall and lift by the size of the audience, all methods. */
import { scaleLinear, scaleLog } from 'd3-scale';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import { bottomAxis, leftAxis } from './axes.ts';
import type { Chart } from './draw.ts';
import { percent, shortened } from './html.ts';
import { band, legendColumn, line, lineEntry } from './shapes.ts';
import { lineStyles } from './theme.ts';

const SIZE = { width: 860, height: 430 };
const LEGEND_WIDTH = 230;
const FRAME = { left: 62, right: SIZE.width - LEGEND_WIDTH - 18, top: 14, bottom: SIZE.height - 52 };
const OWN_OPACITY = 0.18;
const OTHERS_OPACITY = 0.07;

/** Methods by mean AUC, best first, with metaheac in front. */
export function methodOrder({ methods }: EvaluationReport): string[] {
  const aucOf = (name: string) => (name === MAIN_METHOD ? Number.POSITIVE_INFINITY : methods[name]!.all!.auc.mean);
  return Object.keys(methods).sort((a, b) => aucOf(b) - aucOf(a));
}

/** `what` by share, the share on a logarithmic axis, with 95 % bands. */
export function curveChart(report: EvaluationReport, what: 'recall' | 'lift'): Chart {
  const order = methodOrder(report);
  const smallest = report.curves[MAIN_METHOD]![0]!.share;
  const scales = scalesOf(report, what, smallest);
  const at5 = (name: string) => report.methods[name]!.all![what]['0.05']!.mean.toFixed(2);
  const name = what === 'recall' ? 'Recall' : 'Lift';
  const [best] = order.slice(1);
  const beside = best === undefined ? '' : `, ${best} ${at5(best)}`;
  return {
    name: what,
    ...SIZE,
    title: `${name} by size of the audience: ${report.dataset}`,
    description:
      `${name} of ${order.length} methods from the best ${percent(smallest)} to all users, mean of ` +
      `${report.campaigns.length} campaigns with 95 % bands. ` +
      `At 5 % ${MAIN_METHOD} has ${at5(MAIN_METHOD)}${beside}.`,
    body: [...axes(what, scales, smallest), ...curves(report, what, scales, order), ...legend(report, order)],
  };
}

function scalesOf(report: EvaluationReport, what: 'recall' | 'lift', smallest: number) {
  const most = what === 'recall' ? 1 : wholeLift(report);
  return {
    x: scaleLog().domain([smallest, 1]).range([FRAME.left, FRAME.right]),
    y: scaleLinear().domain([0, most]).range([FRAME.bottom, FRAME.top]),
  };
}

type CurveScales = ReturnType<typeof scalesOf>;

function axes(what: 'recall' | 'lift', { x, y }: CurveScales, smallest: number): string[] {
  return [
    ...leftAxis(FRAME, y, {
      name: what === 'recall' ? 'recall: share of members found' : 'lift: members found, relative to random',
      ticks: y.ticks(5),
    }),
    ...bottomAxis(FRAME, x, {
      name: 'size of the audience, share of all ranked users',
      ticks: shareTicks(smallest),
      format: percent,
      hasGrid: false,
    }),
  ];
}

/** Bands behind all lines, metaheac in front. */
function curves(report: EvaluationReport, what: 'recall' | 'lift', scales: CurveScales, order: readonly string[]) {
  const styles = lineStyles(Object.keys(report.methods));
  const backwards = [...order].reverse();
  const pointsOf = (name: string) => report.curves[name]!.map((point) => ({ x: point.share, ...point[what] }));
  return [
    ...backwards.map((name) =>
      band(scales, pointsOf(name), styles.get(name)!.colour, name === MAIN_METHOD ? OWN_OPACITY : OTHERS_OPACITY),
    ),
    ...backwards.map((name) =>
      line(
        scales,
        pointsOf(name).map(({ x, mean }) => [x, mean]),
        styles.get(name)!,
      ),
    ),
  ];
}

function legend(report: EvaluationReport, order: readonly string[]): string[] {
  const styles = lineStyles(Object.keys(report.methods));
  const entries = order.map((name) => lineEntry(shortened(name), styles.get(name)!));
  return legendColumn(SIZE.width - LEGEND_WIDTH + 5, 20, entries);
}

/** Space for every band. */
function wholeLift({ curves }: EvaluationReport): number {
  const most = Math.max(...Object.values(curves).flatMap((curve) => curve.map(({ lift }) => lift.high)));
  const step = most > 20 ? 10 : most > 8 ? 2 : 1;
  return step * Math.ceil(most / step);
}

function shareTicks(from: number): number[] {
  return [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].filter((share) => share >= from);
}
