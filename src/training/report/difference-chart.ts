/** How far metaheac is ahead of each other method, as a forest plot by group. */
import { scaleLinear } from 'd3-scale';
import type { Interval } from '../evaluation/bootstrap.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import type { GroupDifference, GroupName } from '../evaluation/summary.ts';
import { bottomAxis, type Frame, straight } from './axes.ts';
import { methodOrder } from './curve-charts.ts';
import type { Chart } from './draw.ts';
import { clearSign, shortened, signed } from './html.ts';
import { type Whisker, whiskers } from './shapes.ts';
import { element, textElement } from './svg.ts';
import { colour } from './theme.ts';

const WIDTH = 860;
const ROW_HEIGHT = 21;
const LABELS_WIDTH = 252;
const TOP = 8;
const GAP = 26;
/** Far below every method: it would squeeze the relevant differences into a corner; the table has it. */
const LEFT_OUT = 'random';

/**
 * Differences in AUC and precision@5 % with 95 % intervals, one row per method and group; filled marks are clear
 * differences, rings contain zero.
 */
export function differenceChart(report: EvaluationReport): Chart {
  const rows = rowsOf(report);
  const height = rows.length * ROW_HEIGHT + 66;
  const panel = (WIDTH - LABELS_WIDTH - GAP - 14) / 2;
  const bottom = TOP + rows.length * ROW_HEIGHT;
  const left = { left: LABELS_WIDTH, right: LABELS_WIDTH + panel, top: TOP, bottom };
  const right = { ...left, left: left.right + GAP, right: left.right + GAP + panel };
  const overall = rows.filter(({ group }) => group === 'all');
  const ahead = overall.filter(({ difference }) => clearSign(difference.auc) > 0).length;
  return {
    name: 'differences',
    width: WIDTH,
    height,
    title: `metaheac minus each other method: ${report.dataset}`,
    description:
      'Differences in AUC and in precision at 5 %, campaign by campaign, with 95 % intervals. Over all campaigns ' +
      `metaheac is clearly ahead in AUC of ${ahead} of ${overall.length} methods.`,
    body: [
      ...stripes(rows, right.right),
      ...rows.flatMap(rowLabels),
      ...differencePanel(left, 'difference in AUC', rows, ({ auc }) => auc),
      ...differencePanel(right, 'difference in precision@5 %', rows, ({ precision }) => precision['0.05']!),
    ],
  };
}

interface Row {
  readonly method: string;
  readonly group: GroupName;
  /** Of its method. */
  readonly isFirst: boolean;
  readonly difference: GroupDifference;
}

function rowsOf(report: EvaluationReport): Row[] {
  return methodOrder(report)
    .filter((name) => name in report.differences && name !== LEFT_OUT)
    .flatMap((method) =>
      Object.entries(report.differences[method]!).map(([group, difference], i) => ({
        method,
        group: group as GroupName,
        isFirst: i === 0,
        difference,
      })),
    );
}

/** The middle of a row. */
function rowMiddle(row: number): number {
  return TOP + (row + 0.5) * ROW_HEIGHT;
}

/** One measure's differences, an interval in each row, with an axis wide enough for all of them and zero. */
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
  const format = (value: number) => signed(value, digits).replace(/^0\.0+$/, '0');
  return [
    ...bottomAxis(frame, x, { name, ticks, format, hasMarks: false }),
    straight('muted', x(0), frame.top, x(0), frame.bottom),
    ...whiskers(
      { x, y: rowMiddle },
      rows.map(({ group }, row) => whisker(intervals[row]!, row, group)),
      'x',
    ),
  ];
}

function whisker(difference: Interval, y: number, group: GroupName): Whisker {
  const sign = clearSign(difference);
  return {
    x: difference.mean,
    y,
    low: difference.low,
    high: difference.high,
    mark: sign === 0 ? 'ring' : sign > 0 ? 'circle' : 'diamond',
    colour: colour(sign === 0 ? 'muted' : sign > 0 ? 'own' : 'vermilion'),
    opacity: group === 'all' ? 1 : 0.75,
  };
}

/** The row's group, and its method before the first of them. */
function rowLabels({ method, group, isFirst }: Row, row: number): string[] {
  const y = rowMiddle(row);
  const look = { y, 'text-anchor': 'end' };
  const groupLabel = { x: LABELS_WIDTH - 10, ...look, 'font-size': 12, fill: colour('muted') };
  const methodLabel = { x: LABELS_WIDTH - 56, ...look, 'font-size': 12.5, 'font-weight': 600, fill: colour('ink') };
  return [...(isFirst ? [textElement(shortened(method), methodLabel)] : []), textElement(group, groupLabel)];
}

/** A background behind the rows of every other method. */
function stripes(rows: readonly Row[], right: number): string[] {
  const starts = rows.flatMap(({ isFirst }, row) => (isFirst ? [row] : []));
  const spans = starts.map((from, i) => [from, starts[i + 1] ?? rows.length] as const).filter((_, i) => i % 2 === 0);
  return spans.map(([from, to]) => {
    const [y, height] = [TOP + from * ROW_HEIGHT, (to - from) * ROW_HEIGHT];
    return element('rect', { x: 0, y, width: right, height, fill: colour('band') });
  });
}
