/**
 * Draws the axes of a chart: a frame measured in pixels, the elements around the frame, and the numbers next to the
 * frame.
 */
import { element, textElement } from './svg.ts';
import { colour } from './theme.ts';

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

/** A line one pixel wide, centred on pixels so that it is sharp on every screen. */
export function straight(name: 'grid' | 'axis' | 'muted', x1: number, y1: number, x2: number, y2: number): string {
  const middle = (value: number) => Math.floor(value + 1e-6) + 0.5;
  const [x, y] = [x1 === x2 ? middle(x1) : null, y1 === y2 ? middle(y1) : null];
  return element('line', { x1: x ?? x1, y1: y ?? y1, x2: x ?? x2, y2: y ?? y2, stroke: colour(name) });
}

function plainNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
}
