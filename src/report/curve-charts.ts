/** Recall and lift by the size of the audience, all methods. */
import type { EvaluationReport } from '../offline/evaluate.ts';
import { MAIN_METHOD } from '../offline/methods.ts';
import type { Chart } from './draw.ts';
import { percent, shortened } from './html.ts';
import { band, legendLook, line, linearAxis, logAxis } from './shapes.ts';
import { lineStyles } from './theme.ts';

const SIZE = { width: 860, height: 430 };
const LEGEND_WIDTH = 230;
const OWN_OPACITY = 0.18;
const OTHERS_OPACITY = 0.07;

/** Methods by mean AUC, best first, with metaheac in front. */
export function methodOrder({ methods }: EvaluationReport): string[] {
  const aucOf = (name: string) => (name === MAIN_METHOD ? Number.POSITIVE_INFINITY : methods[name]!.all!.auc.mean);
  return Object.keys(methods).sort((a, b) => aucOf(b) - aucOf(a));
}

/** `what` by share, the share on a logarithmic axis, with 95 % bands. */
export function curveChart(report: EvaluationReport, what: 'recall' | 'lift'): Chart {
  const styles = lineStyles(Object.keys(report.methods));
  const order = methodOrder(report);
  const smallest = report.curves[MAIN_METHOD]![0]!.share;
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
    option: {
      grid: { left: 62, right: LEGEND_WIDTH + 18, top: 14, bottom: 52 },
      legend: {
        ...legendLook(),
        orient: 'vertical',
        left: SIZE.width - LEGEND_WIDTH,
        top: 10,
        align: 'left',
        formatter: shortened,
        itemWidth: 34,
        itemGap: 11,
        data: order.map((name) => ({ name, itemStyle: { opacity: 0 } })),
      },
      xAxis: logAxis(
        'size of the audience, share of all ranked users',
        { min: smallest, max: 1 },
        shareTicks(smallest),
        percent,
      ),
      yAxis:
        what === 'recall'
          ? linearAxis('recall: share of members found', 42, { min: 0, max: 1 })
          : linearAxis('lift: members found, relative to random', 42, { min: 0, max: wholeLift(report) }),
      series: [...order].reverse().flatMap((name) => {
        const style = styles.get(name)!;
        const points = report.curves[name]!.map((point) => ({ x: point.share, ...point[what] }));
        const isOwn = name === MAIN_METHOD;
        return [
          band(points, style.colour, isOwn ? OWN_OPACITY : OTHERS_OPACITY),
          line(
            name,
            points.map(({ x, mean }) => [x, mean]),
            style,
            isOwn ? 5 : 4,
          ),
        ];
      }),
    },
  };
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
