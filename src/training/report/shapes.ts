/** What charts draw inside their axes: lines, bands, intervals and marks; and legends. */
import { area, line as lineThrough } from 'd3-shape';
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

/** A line through points, without marks of its own. */
export function line({ x, y }: Scales, points: readonly Point[], style: LineStyle): string {
  const through = lineThrough<Point>(
    ([value]) => x(value),
    ([, value]) => y(value),
  ).digits(DIGITS);
  return element('path', { d: through(points) ?? '', ...stroke(style), 'stroke-linejoin': 'bevel' });
}

function stroke({ colour: color, width, dash }: LineStyle): Attributes {
  return {
    ...{ fill: 'none', stroke: color, 'stroke-width': width },
    'stroke-dasharray': dash.length === 0 ? undefined : dash.join(' '),
  };
}

/** A point with the bounds of its interval, in the axes' units. */
export interface BandPoint {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

/** The area between two lines. */
export function band({ x, y }: Scales, points: readonly BandPoint[], fill: string, opacity: number): string {
  const between = area<BandPoint>(
    (point) => x(point.x),
    ({ low }) => y(low),
    ({ high }) => y(high),
  ).digits(DIGITS);
  return element('path', { d: between(points) ?? '', fill, 'fill-opacity': opacity });
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

/** Intervals along one axis. */
export function whiskers(scales: Scales, all: readonly Whisker[], along: 'x' | 'y', width = 2): string[] {
  return all.flatMap(({ x, y, low, high, mark, colour: color, opacity }) => {
    const [cx, cy] = [scales.x(x), scales.y(y)];
    const [x1, x2] = along === 'x' ? [scales.x(low), scales.x(high)] : [cx, cx];
    const [y1, y2] = along === 'y' ? [scales.y(low), scales.y(high)] : [cy, cy];
    const look = { stroke: color, 'stroke-width': width, 'stroke-opacity': opacity };
    const interval = element('line', { x1, y1, x2, y2, ...look });
    return mark === 'none' ? [interval] : [interval, meanMark(cx, cy, mark, color)];
  });
}

function meanMark(cx: number, cy: number, mark: 'circle' | 'ring' | 'diamond', color: string): string {
  if (mark === 'diamond') return diamond(cx, cy, MARK_RADIUS + 1, { fill: color });
  const fill = mark === 'ring' ? colour('paper') : color;
  return element('circle', { cx, cy, r: MARK_RADIUS, fill, stroke: color, 'stroke-width': 2 });
}

/** A square on its corner. */
export function diamond(cx: number, cy: number, reach: number, look: Attributes): string {
  return element('path', {
    d: `M${at(cx)},${at(cy - reach)}l${reach},${reach}l${-reach},${reach}l${-reach},${-reach}Z`,
    ...look,
  });
}

function at(pixel: number): string {
  return String(Number(pixel.toFixed(DIGITS)));
}

const ENTRY_SIZE = 12.5;
/** Of a character of an entry, in pixels: wide enough for the fonts of all systems. */
const CHARACTER_WIDTH = 7.3;
/** Between a symbol and its text. */
const SYMBOL_GAP = 6;

/** A line of a legend; its symbol begins at `x` and is centred on `y`. */
export interface LegendEntry {
  readonly text: string;
  readonly symbol: (x: number, y: number) => string;
  readonly symbolWidth: number;
}

/** Entries below each other. */
export function legendColumn(x: number, y: number, entries: readonly LegendEntry[]): string[] {
  return entries.flatMap((entry, i) => legendEntry(x, y + i * 24, entry));
}

/** Entries beside each other, `gap` pixels apart. */
export function legendRow(x: number, y: number, gap: number, entries: readonly LegendEntry[]): string[] {
  let next = x;
  return entries.flatMap((entry) => {
    const drawn = legendEntry(next, y, entry);
    next += entry.symbolWidth + SYMBOL_GAP + entry.text.length * CHARACTER_WIDTH + gap;
    return drawn;
  });
}

function legendEntry(x: number, y: number, { text, symbol, symbolWidth }: LegendEntry): string[] {
  const look = { 'font-size': ENTRY_SIZE, fill: colour('ink') };
  return [symbol(x, y), textElement(text, { x: x + symbolWidth + SYMBOL_GAP, y, ...look })];
}

const LEGEND_LINE = 34;

/** An entry for what is drawn as a line. */
export function lineEntry(text: string, style: LineStyle): LegendEntry {
  return {
    text,
    symbol: (x, y) =>
      line(
        { x: (value) => value, y: (value) => value },
        [
          [x, y],
          [x + LEGEND_LINE, y],
        ],
        style,
      ),
    symbolWidth: LEGEND_LINE,
  };
}
