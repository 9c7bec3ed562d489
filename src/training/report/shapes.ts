/** Elements inside the axes of a chart (lines, bands, intervals and marks), and legends. */
import { area, line as lineThrough } from 'd3-shape';
import type { Interval } from '../../lib/interval.ts';
import type { Scale } from './axes.ts';
import { type Attributes, element, textElement } from './svg.ts';
import { colour, type LineStyle } from './theme.ts';

/** Both axes of a frame. */
export interface Scales {
  readonly x: Scale;
  readonly y: Scale;
}

type Point = readonly [x: number, y: number];

const DIGITS = 2;

/** A line through points, without marks. */
export function line({ x, y }: Scales, points: readonly Point[], { colour: color, width, dash }: LineStyle): string {
  const through = lineThrough<Point>(
    ([value]) => x(value),
    ([, value]) => y(value),
  ).digits(DIGITS);
  return element('path', {
    d: through(points) ?? '',
    fill: 'none',
    stroke: color,
    'stroke-width': width,
    'stroke-dasharray': dash.length === 0 ? undefined : dash.join(' '),
    'stroke-linejoin': 'bevel',
  });
}

/** The bounds of an interval at `x`, in the axes' units. */
export interface BandPoint extends Pick<Interval, 'low' | 'high'> {
  readonly x: number;
}

/** The area between the bounds of intervals. */
export function band({ x, y }: Scales, points: readonly BandPoint[], fill: string, opacity: number): string {
  const between = area<BandPoint>(
    (point) => x(point.x),
    ({ low }) => y(low),
    ({ high }) => y(high),
  ).digits(DIGITS);
  return element('path', { d: between(points) ?? '', fill, 'fill-opacity': opacity });
}

/** An interval through a point, with a mark at its mean. */
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

/** Intervals along one axis. */
export function whiskers(scales: Scales, all: readonly Whisker[], along: 'x' | 'y', width = 2): string[] {
  return all.flatMap(({ x, y, low, high, mark, colour: color, opacity }) => {
    const [cx, cy] = [scales.x(x), scales.y(y)];
    const [x1, x2] = along === 'x' ? [scales.x(low), scales.x(high)] : [cx, cx];
    const [y1, y2] = along === 'y' ? [scales.y(low), scales.y(high)] : [cy, cy];
    const look = { stroke: color, 'stroke-width': width, 'stroke-opacity': opacity };
    return [element('line', { x1, y1, x2, y2, ...look }), ...meanMark(cx, cy, mark, color)];
  });
}

function meanMark(cx: number, cy: number, mark: Whisker['mark'], color: string): string[] {
  if (mark === 'none') return [];
  if (mark === 'diamond') return [diamond(cx, cy, MARK_RADIUS + 1, { fill: color })];
  const fill = mark === 'ring' ? colour('paper') : color;
  return [element('circle', { cx, cy, r: MARK_RADIUS, fill, stroke: color, 'stroke-width': 2 })];
}

/** A square standing on a corner. */
export function diamond(cx: number, cy: number, reach: number, look: Attributes): string {
  const at = (pixel: number) => String(Number(pixel.toFixed(DIGITS)));
  const edges = `l${reach},${reach}l${-reach},${reach}l${-reach},${-reach}Z`;
  return element('path', { d: `M${at(cx)},${at(cy - reach)}${edges}`, ...look });
}

const ENTRY_SIZE = 12.5;
/** Width of a character in pixels, large enough for the fonts of all systems. */
const CHARACTER_WIDTH = 7.3;
/** Distance between a symbol and its text. */
const SYMBOL_GAP = 6;
const ENTRY_HEIGHT = 24;
const LEGEND_LINE = 34;

/** A line of a legend; its symbol begins at `x` and is centred on `y`. */
export interface LegendEntry {
  readonly text: string;
  readonly symbol: (x: number, y: number) => string;
  readonly symbolWidth: number;
}

/** A legend whose entries are side by side, `gap` pixels apart; without `gap`, the entries are stacked. */
export function legend(x: number, y: number, entries: readonly LegendEntry[], gap?: number): string[] {
  let [left, middle] = [x, y];
  return entries.flatMap(({ text, symbol, symbolWidth }) => {
    const look = { x: left + symbolWidth + SYMBOL_GAP, y: middle, 'font-size': ENTRY_SIZE, fill: colour('ink') };
    const drawn = [symbol(left, middle), textElement(text, look)];
    if (gap === undefined) middle += ENTRY_HEIGHT;
    else left += symbolWidth + SYMBOL_GAP + text.length * CHARACTER_WIDTH + gap;
    return drawn;
  });
}

/** A legend entry for something drawn as a line. */
export function lineEntry(text: string, style: LineStyle): LegendEntry {
  const pixels = { x: (value: number) => value, y: (value: number) => value };
  const through = (x: number, y: number): Point[] => [
    [x, y],
    [x + LEGEND_LINE, y],
  ];
  return { text, symbol: (x, y) => line(pixels, through(x, y), style), symbolWidth: LEGEND_LINE };
}
