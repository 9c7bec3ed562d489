/** Plots predicted against true recall@5 %, with one point per campaign. */
import { scaleLinear } from 'd3-scale';
import type { Chart } from '../../../src/training/report/draw.ts';
import { axis, diamond, element, legend, line, type Scales, whiskers } from '../../../src/training/report/svg.ts';
import { colour } from '../../../src/training/report/theme.ts';
import { holdsTruth, type PredictedTruth, type PredictionReport } from './agreement.ts';

/**
 * Maximum number of campaigns for which intervals are drawn as normal lines; with more campaigns, the lines are
 * fainter.
 */
const MANY = 60;
const SIZE = { width: 620, height: 520 };
const FRAME = { left: 62, right: SIZE.width - 20, top: 44, bottom: SIZE.height - 54 };

/**
 * Plots predicted recall@5 % with its 90 % interval (vertical axis) against true recall@5 %. Returns null if nothing
 * was predicted.
 */
export function predictionChart({ campaigns }: PredictionReport, dataSet: string): Chart | null {
  const all = campaigns.flatMap(({ recall }) => recall['0.05'] ?? []);
  if (all.length === 0) return null;
  const held = all.filter(holdsTruth);
  const missed = all.filter((one) => !holdsTruth(one));
  const most = Math.max(...all.map(({ high, true: truth }) => Math.max(high, truth)));
  const interval = most > 0.5 ? 0.2 : most > 0.2 ? 0.1 : 0.05;
  // the tolerance avoids an extra tick if the value exceeds a multiple of the step only because of rounding
  const max = Math.min(1, interval * Math.ceil(most / interval - 1e-9));
  const x = scaleLinear().domain([0, max]).range([FRAME.left, FRAME.right]);
  const y = scaleLinear().domain([0, max]).range([FRAME.bottom, FRAME.top]);
  const ticks = Array.from({ length: Math.floor(max / interval + 1e-9) + 1 }, (_, i) => i * interval);
  const scales = { x, y };
  const exact = [[0, 0] as const, [max, max] as const];
  const opacity = all.length > MANY ? 0.35 : 0.55;
  return {
    name: 'prediction',
    ...SIZE,
    title: `Predicted and true recall@5 %: ${dataSet}`,
    description:
      'Recall@5 % predicted from the seeds alone against true recall@5 %, with one point per campaign. ' +
      `The 90 % interval contains the true recall for ${held.length} of ${all.length} campaigns.`,
    body: [
      ...axis('left', FRAME, y, { name: 'predicted recall@5 %', ticks }),
      ...axis('below', FRAME, x, { name: 'true recall@5 %', ticks }),
      line(scales, exact, { colour: colour('axis'), width: 1.5, dash: [5, 4] }),
      ...intervals(scales, held, colour('own'), opacity),
      ...intervals(scales, missed, colour('vermilion'), opacity),
      ...held.map(({ mean, true: truth }) => heldMark(x(truth), y(mean))),
      ...missed.map(({ mean, true: truth }) => missedMark(x(truth), y(mean))),
      ...legend(FRAME.left, 14, [
        {
          text: `interval contains the true recall: ${held.length} of ${all.length}`,
          symbol: (x, y) => heldMark(x + 6, y),
          symbolWidth: 12,
        },
        {
          text: `interval does not contain it: ${missed.length}`,
          symbol: (x, y) => missedMark(x + 6, y),
          symbolWidth: 12,
        },
      ]),
    ],
  };
}

function intervals(scales: Scales, predicted: readonly PredictedTruth[], color: string, opacity: number): string[] {
  const bars = predicted.map(({ mean, low, high, true: truth }) => ({
    x: truth,
    y: mean,
    low,
    high,
    colour: color,
    opacity,
    mark: 'none' as const,
  }));
  return whiskers(scales, bars, 'y', 1.5);
}

function heldMark(cx: number, cy: number): string {
  return element('circle', { cx, cy, r: 4, fill: colour('own'), stroke: colour('paper') });
}

function missedMark(cx: number, cy: number): string {
  return diamond(cx, cy, 5.5, { fill: colour('vermilion'), stroke: colour('paper') });
}
