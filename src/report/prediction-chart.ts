/** Predicted against true recall@5 %, one point per campaign. */
import type { EvaluationReport } from '../offline/evaluate.ts';
import { holdsTruth, type PredictedTruth } from '../offline/prediction-check.ts';
import type { Chart } from './draw.ts';
import { legendLook, line, linearAxis, whiskers } from './shapes.ts';
import { colour } from './theme.ts';

/** With more campaigns than this, intervals are drawn fainter. */
const MANY = 60;

/** Predicted recall@5 % with its 90 % interval above the true one; null if nothing was predicted. */
export function predictionChart({ prediction, dataset }: EvaluationReport): Chart | null {
  const all = prediction.campaigns.flatMap(({ recall }) => recall['0.05'] ?? []);
  if (all.length === 0) return null;
  const held = all.filter(holdsTruth);
  const missed = all.filter((one) => !holdsTruth(one));
  const most = Math.max(...all.map(({ high, true: truth }) => Math.max(high, truth)));
  const interval = most > 0.5 ? 0.2 : most > 0.2 ? 0.1 : 0.05;
  // slightly more than a multiple of the step is rounding error
  const max = Math.min(1, interval * Math.ceil(most / interval - 1e-9));
  const bounds = { min: 0, max, interval };
  const names = {
    held: `interval contains the truth: ${held.length} of ${all.length}`,
    missed: `it does not: ${missed.length}`,
  };
  const diagonal = { colour: colour('axis'), width: 1.5, dash: [5, 4] };
  return {
    name: 'prediction',
    width: 620,
    height: 520,
    title: `Predicted and true recall@5 %: ${dataset}`,
    description:
      'Recall at 5 % predicted from the seeds alone against the true one, one point per campaign. ' +
      `The 90 % interval contains the truth for ${held.length} of ${all.length} campaigns.`,
    option: {
      grid: { left: 62, right: 20, top: 44, bottom: 54 },
      legend: {
        ...legendLook(),
        top: 4,
        left: 58,
        itemGap: 60,
        itemWidth: 13,
        itemHeight: 13,
        data: [names.held, names.missed],
      },
      xAxis: linearAxis('true recall@5 %', 32, bounds),
      yAxis: linearAxis('predicted recall@5 %', 42, bounds),
      series: [
        line(
          '',
          [
            [0, 0],
            [max, max],
          ],
          diagonal,
          2,
        ),
        intervals(held, colour('own'), all.length),
        intervals(missed, colour('vermilion'), all.length),
        marks(names.held, held, 'circle', colour('own')),
        marks(names.missed, missed, 'diamond', colour('vermilion')),
      ],
    },
  };
}

function intervals(predicted: readonly PredictedTruth[], color: string, campaigns: number): object {
  const opacity = campaigns > MANY ? 0.35 : 0.55;
  const bars = predicted.map(({ mean, low, high, true: truth }) => ({
    ...{ x: truth, y: mean, low, high, colour: color, opacity },
    mark: 'none' as const,
  }));
  return whiskers(bars, 'y', { lineWidth: 1.5 });
}

function marks(
  name: string,
  predicted: readonly PredictedTruth[],
  symbol: 'circle' | 'diamond',
  color: string,
): object {
  return {
    type: 'scatter',
    name,
    silent: true,
    z: 4,
    symbol,
    symbolSize: symbol === 'circle' ? 8 : 11,
    itemStyle: { color, borderColor: colour('paper'), borderWidth: 1 },
    data: predicted.map(({ mean, true: truth }) => [truth, mean]),
  };
}
