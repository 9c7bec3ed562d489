/** A forest plot of the differences between metaheac and each other method, by group. */
import { scaleLinear } from 'd3-scale';
import { clearSign, type Interval, signed } from '../../lib/interval.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import type { GroupDifference } from '../evaluation/summary.ts';
import type { Chart } from './draw.ts';
import { shortened } from './html.ts';
import { axis, element, type Frame, straight, textElement, whiskers } from './svg.ts';
import { colour, methodOrder } from './theme.ts';

const WIDTH = 860;
const ROW_HEIGHT = 21;
const LABELS_WIDTH = 252;
const TOP = 8;
const GAP = 26;
const PANEL_WIDTH = (WIDTH - LABELS_WIDTH - GAP - 14) / 2;
/**
 * A method left out of the chart, because it is far below all others and would squeeze the relevant differences into a
 * corner. The table includes this method.
 */
const LEFT_OUT = 'random';
const MARKS = { 1: ['circle', 'own'], '-1': ['diamond', 'vermilion'], 0: ['ring', 'muted'] } as const;

/**
 * Charts differences in AUC and precision@5 % with 95 % intervals, one row per method and group. Filled marks are clear
 * differences; rings mark intervals that contain zero.
 */
export function differenceChart(report: EvaluationReport): Chart {
  const rows = rowsOf(report);
  const bottom = TOP + rows.length * ROW_HEIGHT;
  const panel = (left: number): Frame => ({ left, right: left + PANEL_WIDTH, top: TOP, bottom });
  const [auc, precision] = [panel(LABELS_WIDTH), panel(LABELS_WIDTH + PANEL_WIDTH + GAP)];
  const overall = rows.filter(({ group }) => group === 'all');
  const ahead = overall.filter(({ difference }) => clearSign(difference.auc) > 0).length;
  return {
    name: 'differences',
    width: WIDTH,
    height: bottom - TOP + 66,
    title: `metaheac minus each other method: ${report.dataset}`,
    description:
      'Differences in AUC and in precision at 5 %, campaign by campaign, with 95 % intervals. Over all campaigns, ' +
      `metaheac is clearly ahead of ${ahead} of ${overall.length} methods in AUC.`,
    body: [
      ...stripes(rows, precision.right),
      ...rows.flatMap(rowLabels),
      ...differencePanel(auc, 'difference in AUC', rows, (difference) => difference.auc),
      ...differencePanel(precision, 'difference in precision@5 %', rows, (difference) => difference.precision['0.05']!),
    ],
  };
}

interface Row {
  readonly method: string;
  readonly group: string;
  /** Whether this is the first row of its method. */
  readonly isFirst: boolean;
  readonly difference: GroupDifference;
}

function rowsOf(report: EvaluationReport): Row[] {
  return methodOrder(report)
    .filter((method) => method in report.differences && method !== LEFT_OUT)
    .flatMap((method) =>
      Object.entries(report.differences[method]!).map(([group, difference], i) => ({
        method,
        group,
        isFirst: i === 0,
        difference,
      })),
    );
}

/** The vertical middle of a row. */
function rowMiddle(row: number): number {
  return TOP + (row + 0.5) * ROW_HEIGHT;
}

/**
 * Draws the differences in one measure: an interval in each row, with an axis wide enough for all intervals and for
 * zero.
 */
function differencePanel(
  frame: Frame,
  name: string,
  rows: readonly Row[],
  intervalOf: (difference: GroupDifference) => Interval,
): string[] {
  const intervals = rows.map(({ difference }) => intervalOf(difference));
  const low = Math.min(0, ...intervals.map((one) => one.low));
  const high = Math.max(0, ...intervals.map((one) => one.high));
  const room = 0.04 * Math.max(high - low, 1e-3);
  const x = scaleLinear()
    .domain([low - room, high + room])
    .range([frame.left, frame.right]);
  const ticks = x.ticks(4);
  const digits = Math.max(0, Math.ceil(-Math.log10((ticks[1] ?? 1) - (ticks[0] ?? 0)) - 1e-9));
  const format = (value: number) =>
    signed(value, digits)
      .replace('-', '−')
      .replace(/^0\.0+$/, '0');
  const differences = rows.map(({ group }, y) => {
    const { mean, low, high } = intervals[y]!;
    const [mark, name] = MARKS[clearSign({ mean, low, high })];
    return { x: mean, y, low, high, mark, colour: colour(name), opacity: group === 'all' ? 1 : 0.75 };
  });
  return [
    ...axis('below', frame, x, { name, ticks, format, hasMarks: false }),
    straight('muted', x(0), frame.top, x(0), frame.bottom),
    ...whiskers({ x, y: rowMiddle }, differences, 'x'),
  ];
}

/** The labels of a row: its group and, in the first row of a method, the method. */
function rowLabels({ method, group, isFirst }: Row, row: number): string[] {
  const look = { y: rowMiddle(row), 'text-anchor': 'end' };
  const groupLabel = { x: LABELS_WIDTH - 10, ...look, 'font-size': 12, fill: colour('muted') };
  const methodLabel = { x: LABELS_WIDTH - 56, ...look, 'font-size': 12.5, 'font-weight': 600, fill: colour('ink') };
  return [...(isFirst ? [textElement(shortened(method), methodLabel)] : []), textElement(group, groupLabel)];
}

/** A background for the rows of every second method. */
function stripes(rows: readonly Row[], width: number): string[] {
  const starts = rows.flatMap(({ isFirst }, row) => (isFirst ? [row] : []));
  return starts.flatMap((from, i) => {
    const [y, height] = [TOP + from * ROW_HEIGHT, ((starts[i + 1] ?? rows.length) - from) * ROW_HEIGHT];
    return i % 2 === 0 ? [element('rect', { x: 0, y, width, height, fill: colour('band') })] : [];
  });
}
