/** How far metaheac is ahead of each other method, as a forest plot by group. */
import type { Interval } from '../offline/bootstrap.ts';
import type { EvaluationReport } from '../offline/evaluate.ts';
import type { GroupDifference, GroupName } from '../offline/summary.ts';
import { methodOrder } from './curve-charts.ts';
import type { Chart } from './draw.ts';
import { clearSign, shortened, signed } from './html.ts';
import { axisLook, type Whisker, whiskers } from './shapes.ts';
import { colour } from './theme.ts';

const WIDTH = 860;
const ROW_HEIGHT = 21;
const LABELS_WIDTH = 236;
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
  const grid = (left: number) => ({ left, width: panel, top: 8, height: rows.length * ROW_HEIGHT });
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
    option: {
      grid: [grid(LABELS_WIDTH), grid(LABELS_WIDTH + panel + GAP)],
      xAxis: [
        differenceAxis(
          0,
          'difference in AUC',
          rows.map(({ difference }) => difference.auc),
        ),
        differenceAxis(
          1,
          'difference in precision@5 %',
          rows.map(({ difference }) => difference.precision['0.05']!),
        ),
      ],
      yAxis: [0, 1].map((gridIndex) => rowAxis(rows, gridIndex)),
      series: [0, 1].flatMap((gridIndex) => [
        stripes(rows, gridIndex, gridIndex === 0 ? LABELS_WIDTH - 8 : 0),
        whiskers([{ x: 0, y: 0, low: -0.5, high: rows.length - 0.5, mark: 'none', colour: colour('muted') }], 'y', {
          gridIndex,
          lineWidth: 1,
        }),
        whiskers(
          rows.map(({ difference, group }, y) =>
            whisker(gridIndex === 0 ? difference.auc : difference.precision['0.05']!, y, group),
          ),
          'x',
          { gridIndex },
        ),
      ]),
    },
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

/** An axis with a position for every row; the left panel has their names. */
function rowAxis(rows: readonly Row[], gridIndex: number): object {
  return {
    type: 'value',
    gridIndex,
    inverse: true,
    min: -0.5,
    max: rows.length - 0.5,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      show: gridIndex === 0,
      customValues: [...rows.keys()],
      margin: 10,
      formatter: (row: number) => rowLabel(rows[row]),
      rich: {
        method: { color: colour('ink'), fontSize: 12.5, fontWeight: 600 },
        group: { color: colour('muted'), fontSize: 12, width: 46, align: 'right' },
      },
    },
  };
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

function rowLabel(row: Row | undefined): string {
  if (row === undefined) return '';
  return `${row.isFirst ? `{method|${shortened(row.method)}}` : ''}{group|${row.group}}`;
}

/** Wide enough for all intervals and zero, in readable steps. */
function differenceAxis(gridIndex: number, name: string, intervals: readonly Interval[]): object {
  const low = Math.min(0, ...intervals.map((one) => one.low));
  const high = Math.max(0, ...intervals.map((one) => one.high));
  const room = 0.04 * Math.max(high - low, 1e-3);
  const look = axisLook();
  return {
    ...look,
    type: 'value',
    gridIndex,
    min: low - room,
    max: high + room,
    name,
    nameLocation: 'middle',
    nameGap: 30,
    axisLabel: {
      ...look.axisLabel,
      showMinLabel: false,
      showMaxLabel: false,
      hideOverlap: true,
      formatter: (value: number) => signed(value, 3).replace(/0+$/, '').replace(/\.$/, ''),
    },
    axisTick: { show: false },
    splitLine: { ...look.splitLine, showMinLine: false, showMaxLine: false },
    splitNumber: 4,
  };
}

/** A background behind the rows of every other method. */
function stripes(rows: readonly Row[], gridIndex: number, before: number): object {
  const starts = rows.flatMap(({ isFirst }, row) => (isFirst ? [row] : []));
  const spans = starts.map((from, i) => [from, starts[i + 1] ?? rows.length] as const).filter((_, i) => i % 2 === 0);
  return {
    type: 'custom',
    silent: true,
    z: -1,
    clip: false,
    xAxisIndex: gridIndex,
    yAxisIndex: gridIndex,
    data: spans.map(([from]) => [0, from]),
    renderItem: (
      params: { dataIndex: number; coordSys: { x: number; width: number } },
      api: { coord(point: number[]): number[] },
    ) => {
      const [from, to] = spans[params.dataIndex]!;
      const [, top] = api.coord([0, from - 0.5]) as [number, number];
      const [, bottom] = api.coord([0, to - 0.5]) as [number, number];
      const x = params.coordSys.x - before;
      const width = params.coordSys.width + before + (gridIndex === 0 ? GAP : 0);
      return { type: 'rect', shape: { x, y: top, width, height: bottom - top }, style: { fill: colour('band') } };
    },
  };
}
