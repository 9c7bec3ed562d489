/** Shared parts of charts: axes, bands and intervals, as ECharts options. */
import type { CustomSeriesOption, LineSeriesOption } from 'echarts/charts';
import { colour, type LineStyle } from './theme.ts';

/** What a custom series draws. */
type CustomElementOption = NonNullable<ReturnType<NonNullable<CustomSeriesOption['renderItem']>>>;

/** The look of an axis; merge it with its type, bounds and name. */
export function axisLook(grid = true): {
  axisLine: object;
  axisTick: object;
  axisLabel: object;
  nameTextStyle: object;
  splitLine: object;
} {
  return {
    axisLine: { show: true, onZero: false, lineStyle: { color: colour('axis') } },
    axisTick: { show: true, lineStyle: { color: colour('axis') } },
    axisLabel: { color: colour('muted'), fontSize: 12 },
    nameTextStyle: { color: colour('ink'), fontSize: 13 },
    splitLine: { show: grid, lineStyle: { color: colour('grid') } },
  };
}

/** A linear axis with its name beside it. */
export function linearAxis(name: string, nameGap: number, bounds: { min: number; max: number; interval?: number }) {
  return { ...axisLook(), type: 'value', name, nameLocation: 'middle', nameGap, ...bounds };
}

/** A logarithmic axis with labels only at `ticks`. */
export function logAxis(
  name: string,
  bounds: { min: number; max: number },
  ticks: readonly number[],
  formatter: (value: number) => string,
): object {
  const { axisLabel, axisTick, ...look } = axisLook(false);
  const customValues = [...ticks];
  return {
    ...look,
    type: 'log',
    ...bounds,
    name,
    nameLocation: 'middle',
    nameGap: 32,
    axisLabel: { ...axisLabel, formatter, customValues },
    axisTick: { ...axisTick, customValues },
  };
}

/** The look of a legend; merge it with its position and its entries. */
export function legendLook(): object {
  return {
    textStyle: { color: colour('ink'), fontSize: 12.5 },
    borderColor: colour('grid'),
    inactiveColor: colour('muted'),
  };
}

/** A line through points, without marks of its own. */
export function line(
  name: string,
  points: readonly (readonly [number, number])[],
  style: LineStyle,
  z: number,
): LineSeriesOption {
  return {
    type: 'line',
    name,
    silent: true,
    symbol: 'none',
    z,
    data: points.map(([x, y]) => [x, y]),
    color: style.colour,
    lineStyle: stroke(style),
  };
}

/** A line style in ECharts' form. */
function stroke({ colour: color, width, dash }: LineStyle): object {
  return { color, width, type: dash.length === 0 ? 'solid' : [...dash] };
}

/** A point with the bounds of its interval, in the axes' units. */
export interface BandPoint {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

/** The area between two lines, behind everything. */
export function band(points: readonly BandPoint[], fill: string, opacity: number): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    z: 1,
    clip: true,
    data: [[points[0]?.x ?? 0, points[0]?.low ?? 0]],
    renderItem: (_, api) => ({
      type: 'polygon',
      shape: {
        points: [
          ...points.map(({ x, high }) => api.coord([x, high])),
          ...[...points].reverse().map(({ x, low }) => api.coord([x, low])),
        ],
      },
      style: { fill, opacity },
    }),
  };
}

/** An interval through a point: a line, and a mark at its mean. */
export interface Whisker {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  readonly mark: 'circle' | 'ring' | 'diamond' | 'none';
  readonly colour: string;
  readonly opacity?: number;
}

const MARK_RADIUS = 4.5;

/** Intervals along one axis of the grid `gridIndex`. */
export function whiskers(
  all: readonly Whisker[],
  along: 'x' | 'y',
  options: { gridIndex?: number; lineWidth?: number } = {},
): CustomSeriesOption {
  const { gridIndex = 0, lineWidth = 2 } = options;
  return {
    type: 'custom',
    silent: true,
    z: 3,
    clip: false,
    xAxisIndex: gridIndex,
    yAxisIndex: gridIndex,
    data: all.map(({ x, y }) => [x, y]),
    renderItem: ({ dataIndex }, api) => {
      const { x, y, low, high, mark, colour: color, opacity = 1 } = all[dataIndex]!;
      const [cx, cy] = api.coord([x, y]) as [number, number];
      const [x1, y1] = api.coord(along === 'x' ? [low, y] : [x, low]) as [number, number];
      const [x2, y2] = api.coord(along === 'x' ? [high, y] : [x, high]) as [number, number];
      const line = { type: 'line' as const, shape: { x1, y1, x2, y2 }, style: { stroke: color, lineWidth, opacity } };
      return { type: 'group', children: mark === 'none' ? [line] : [line, symbolAt(cx, cy, mark, color)] };
    },
  };
}

function symbolAt(cx: number, cy: number, mark: 'circle' | 'ring' | 'diamond', color: string): CustomElementOption {
  if (mark !== 'diamond')
    return {
      type: 'circle',
      shape: { cx, cy, r: MARK_RADIUS },
      style: { fill: mark === 'ring' ? colour('paper') : color, stroke: color, lineWidth: 2 },
    };
  const reach = MARK_RADIUS + 1;
  const points = [
    [cx, cy - reach],
    [cx + reach, cy],
    [cx, cy + reach],
    [cx - reach, cy],
  ];
  return { type: 'polygon', shape: { points }, style: { fill: color } };
}
