/**
 * SVG elements as text: axes (a frame measured in pixels, the elements around it, and the numbers next to it), elements
 * inside the axes of a chart (lines, bands, intervals and marks), and legends.
 */
import { area, line as lineThrough } from 'd3-shape';
import type { Interval } from '../../lib/interval.ts';
import { colour, type LineStyle } from './theme.ts';

/** The data area, in chart pixels. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Maps a value to its pixel coordinate. */
export type Scale = (value: number) => number;

export interface AxisLook {
  readonly name: string;
  /** Values that are labelled on the axis. */
  readonly ticks: readonly number[];
  readonly format?: (value: number) => string;
  /** Whether a grid line crosses the frame at each tick. */
  readonly hasGrid?: boolean;
  /** Whether there is a short line outside the frame at each tick. */
  readonly hasMarks?: boolean;
}

const MARK = 5;
const LABEL_GAP = 8;
const LABEL_SIZE = 12;
const NAME_SIZE = 13;
/** Distance from the frame to the middle of the axis name. */
const NAME_BELOW = 38;
const NAME_LEFT = 48;

/** Draws the axis below a frame, or to the left of the frame. */
export function axis(side: 'below' | 'left', frame: Frame, scale: Scale, look: AxisLook): string[] {
  const { left, right, top, bottom } = frame;
  const { name, ticks, format = plainNumber, hasGrid = true, hasMarks = true } = look;
  const isBelow = side === 'below';
  const middle = isBelow ? (left + right) / 2 : (top + bottom) / 2;
  const across = (line: 'grid' | 'axis', [from, to]: readonly [number, number]) =>
    ticks.map(scale).map((at) => (isBelow ? straight(line, at, from, at, to) : straight(line, from, at, to, at)));
  const labels = ticks.map((tick) => {
    const place = isBelow
      ? { x: scale(tick), y: bottom + LABEL_GAP + LABEL_SIZE / 2, 'text-anchor': 'middle' }
      : { x: left - LABEL_GAP, y: scale(tick), 'text-anchor': 'end' };
    return textElement(format(tick), { ...place, 'font-size': LABEL_SIZE, fill: colour('muted') });
  });
  return [
    ...(hasGrid ? across('grid', isBelow ? [top, bottom] : [left, right]) : []),
    straight('axis', left, isBelow ? bottom : top, isBelow ? right : left, bottom),
    ...(hasMarks ? across('axis', isBelow ? [bottom, bottom + MARK] : [left - MARK, left]) : []),
    ...labels,
    textElement(name, {
      ...(isBelow
        ? { x: middle, y: bottom + NAME_BELOW }
        : { transform: `translate(${left - NAME_LEFT} ${middle}) rotate(-90)` }),
      ...{ 'text-anchor': 'middle', 'font-size': NAME_SIZE, fill: colour('ink') },
    }),
  ];
}

/** A line one pixel wide, aligned to the pixel grid so that it is sharp on every screen. */
export function straight(name: 'grid' | 'axis' | 'muted', x1: number, y1: number, x2: number, y2: number): string {
  const middle = (value: number) => Math.floor(value + 1e-6) + 0.5;
  const [x, y] = [x1 === x2 ? middle(x1) : null, y1 === y2 ? middle(y1) : null];
  return element('line', { x1: x ?? x1, y1: y ?? y1, x2: x ?? x2, y2: y ?? y2, stroke: colour(name) });
}

function plainNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

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

/** A square rotated by 45 degrees. */
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

/** Escapes text for the content or an attribute of HTML and SVG. */
export function escapeText(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // XML cannot represent these characters
      .replace(/[^\P{Cc}\t\n\r]|\p{Cs}|[\ufffe\uffff]/gu, '\ufffd')
  );
}

/** Values of attributes; undefined values are left out. Numbers are pixels, rounded to a hundredth. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Writes `<name ../>`, with attributes in the given order. */
export function element(name: string, attributes: Attributes): string {
  return `<${name}${written(attributes)}/>`;
}

/** Writes `<text ..>`, centred on its y. */
export function textElement(text: string, attributes: Attributes): string {
  return `<text dominant-baseline="central"${written(attributes)}>${escapeText(text)}</text>`;
}

function written(attributes: Attributes): string {
  return Object.entries(attributes)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${valueText(value)}"`]))
    .join('');
}

function valueText(value: string | number): string {
  return typeof value === 'string' ? escapeText(value) : String(Number(value.toFixed(2)));
}
