/** Charts of recall and lift by the size of the audience, for all methods. */
import { scaleLinear, scaleLog } from 'd3-scale';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';
import type { Chart } from './draw.ts';
import { percent, shortened } from './html.ts';
import { axis, band, legend, line, lineEntry } from './svg.ts';
import { lineStyles, methodOrder } from './theme.ts';

const SIZE = { width: 860, height: 430 };
const LEGEND_WIDTH = 230;
const FRAME = { left: 62, right: SIZE.width - LEGEND_WIDTH - 18, top: 14, bottom: SIZE.height - 52 };
const OWN_OPACITY = 0.18;
const OTHERS_OPACITY = 0.07;
const SHARES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** A chart of `what` (with 95 % bands) by share of the candidates, on a logarithmic axis. */
export function curveChart(report: EvaluationReport, what: 'recall' | 'lift'): Chart {
  const order = methodOrder(report);
  const smallest = report.curves[MAIN_METHOD]![0]!.share;
  const at5 = (name: string) => report.methods[name]!.all![what]['0.05']!.mean.toFixed(2);
  const isRecall = what === 'recall';
  const name = isRecall ? 'Recall' : 'Lift';
  const [, best] = order;
  const beside = best === undefined ? '' : `, ${best} ${at5(best)}`;
  const x = scaleLog().domain([smallest, 1]).range([FRAME.left, FRAME.right]);
  const y = scaleLinear()
    .domain([0, isRecall ? 1 : greatestLift(report)])
    .range([FRAME.bottom, FRAME.top]);
  const styles = lineStyles(Object.keys(report.methods));
  // metaheac is drawn last, in front
  const curves = [...order].reverse().map((method) => ({
    points: report.curves[method]!.map((point) => ({ x: point.share, ...point[what] })),
    style: styles.get(method)!,
    opacity: method === MAIN_METHOD ? OWN_OPACITY : OTHERS_OPACITY,
  }));
  return {
    name: what,
    ...SIZE,
    title: `${name} by size of the audience: ${report.dataset}`,
    description:
      `Mean ${what} of ${order.length} methods over ${report.campaigns.length} campaigns, with 95 % bands, for ` +
      `audiences from the best ${percent(smallest)} to all users. ` +
      `At 5 %, ${MAIN_METHOD} has ${at5(MAIN_METHOD)}${beside}.`,
    body: [
      ...axis('left', FRAME, y, {
        name: isRecall ? 'recall: share of members found' : 'lift: members found, relative to random',
        ticks: y.ticks(5),
      }),
      ...axis('below', FRAME, x, {
        name: 'size of the audience, share of all ranked users',
        ticks: SHARES.filter((share) => share >= smallest),
        format: percent,
        hasGrid: false,
      }),
      ...curves.map(({ points, style, opacity }) => band({ x, y }, points, style.colour, opacity)),
      ...curves.map(({ points, style }) =>
        line(
          { x, y },
          points.map((point) => [point.x, point.mean]),
          style,
        ),
      ),
      ...legend(
        SIZE.width - LEGEND_WIDTH + 5,
        20,
        order.map((method) => lineEntry(shortened(method), styles.get(method)!)),
      ),
    ],
  };
}

/** The top of the axis, which leaves room for every band. */
function greatestLift({ curves }: EvaluationReport): number {
  const most = Math.max(...Object.values(curves).flatMap((curve) => curve.map(({ lift }) => lift.high)));
  const step = most > 20 ? 10 : most > 8 ? 2 : 1;
  return step * Math.ceil(most / step);
}
