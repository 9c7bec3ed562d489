/** The reach curve with its interval, and the size as a handle: dragged, clicked, or moved by the arrow keys. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useConsole } from '../../console.ts';
import { formatCount, formatShare, formatShort } from '../../ui/format.ts';
import { type Curve, reachAt } from './reach.ts';

const HEIGHT_PX = 320;
/** Of the size, by one press of an arrow key and of a page key. */
const STEP = 0.02;
const LEAP = 0.25;
/** The chart ends at the first point that reaches nearly all: beyond it nothing is to be seen. */
const ENOUGH = 0.995;

interface ReachChartProps {
  readonly curve: Curve;
  readonly candidates: number;
  readonly size: number;
  readonly onSize: (size: number) => void;
}

export function ReachChart({ curve, candidates, size, onSize }: ReachChartProps) {
  const { page, theme } = useConsole();
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(onSize);
  latest.current = onSize;
  const [plot, setPlot] = useState<uPlot | null>(null);
  const [width, setWidth] = useState(0);
  const themeName = theme.name.value;
  // another theme has other colours
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(element, page), pointsOf(curve), element);
    const stopDragging = dragSizes(made, (to) => latest.current(to));
    const sizes = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT_PX });
      setWidth(element.clientWidth);
    });
    sizes.observe(element);
    setPlot(made);
    return () => {
      stopDragging();
      sizes.disconnect();
      made.destroy();
    };
  }, [curve, page, themeName]);
  const { recall } = reachAt(curve, candidates, size);
  const largest = curve.at(-1)!.size;
  const onKeyDown = (event: KeyboardEvent) => {
    const to = sizeAfter(event.key, size, largest);
    if (to === null) return;
    event.preventDefault();
    onSize(Math.min(candidates, Math.max(1, to)));
  };
  return (
    <div class="reach" ref={box} data-width={width}>
      <div
        class="reach-handle"
        role="slider"
        tabIndex={0}
        aria-label="People in the audience"
        aria-valuemin={1}
        aria-valuemax={candidates}
        aria-valuenow={size}
        aria-valuetext={`${formatCount(size)} people, ${formatShare(recall.mean)} of the look-alikes`}
        style={plot === null ? {} : placeOf(plot, Math.min(size, largest), recall.mean)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

/** Of the handle's line: over the plot, with its knob on the curve. */
function placeOf(plot: uPlot, size: number, recall: number): Record<string, string> {
  const { left, top, height } = plot.bbox;
  return {
    left: `${left / devicePixelRatio + plot.valToPos(size, 'x')}px`,
    top: `${top / devicePixelRatio}px`,
    height: `${height / devicePixelRatio}px`,
    '--knob': `${plot.valToPos(recall, 'y')}px`,
  };
}

/** Where a key moves the size to; null for other keys. */
function sizeAfter(key: string, size: number, largest: number): number | null {
  const by = (share: number) => Math.max(1, Math.round(size * Math.abs(share))) * Math.sign(share);
  const moves: Readonly<Record<string, () => number>> = {
    ...{ ArrowRight: () => size + by(STEP), ArrowUp: () => size + by(STEP) },
    ...{ ArrowLeft: () => size + by(-STEP), ArrowDown: () => size + by(-STEP) },
    ...{ PageUp: () => size + by(LEAP), PageDown: () => size + by(-LEAP) },
    ...{ Home: () => 1, End: () => largest },
  };
  return moves[key]?.() ?? null;
}

/** Calls `onSize` with the size under the pointer, from a press until it is let go. */
function dragSizes(plot: uPlot, onSize: (size: number) => void): () => void {
  const { over } = plot;
  const at = (event: PointerEvent) => {
    const x = event.clientX - over.getBoundingClientRect().left;
    onSize(Math.max(1, Math.round(plot.posToVal(Math.min(Math.max(0, x), over.clientWidth), 'x'))));
  };
  const onDown = (event: PointerEvent) => {
    over.setPointerCapture(event.pointerId);
    at(event);
  };
  const onMove = (event: PointerEvent) => {
    if (over.hasPointerCapture(event.pointerId)) at(event);
  };
  over.addEventListener('pointerdown', onDown);
  over.addEventListener('pointermove', onMove);
  return () => {
    over.removeEventListener('pointerdown', onDown);
    over.removeEventListener('pointermove', onMove);
  };
}

/** Sizes, the two ends of the interval, a random audience, and what is expected; the curve begins with nobody. */
function pointsOf(curve: Curve): uPlot.AlignedData {
  const end = curve.findIndex(({ recall }) => recall.mean >= ENOUGH);
  const shown = end < 0 ? curve : curve.slice(0, end + 1);
  const line = (key: 'mean' | 'low' | 'high') => [0, ...shown.map(({ recall }) => recall[key])];
  const random = [0, ...shown.map(({ share }) => share)];
  return [[0, ...shown.map(({ size }) => size)], line('high'), line('low'), random, line('mean')];
}

function optionsOf(box: HTMLElement, page: Window): uPlot.Options {
  const colour = (name: string) => page.getComputedStyle(box).getPropertyValue(name).trim();
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const edge = { width: 0, points: { show: false } };
  return {
    ...{ width: box.clientWidth, height: HEIGHT_PX, legend: { show: false } },
    series: [
      ...[{}, edge, edge],
      { stroke: colour('--line-strong'), width: 1, dash: [4, 4], points: { show: false } },
      { stroke: colour('--accent'), width: 2, points: { show: false } },
    ],
    bands: [{ series: [1, 2], fill: colour('--accent-wash') }],
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: false, range: (_, __, most) => [0, most] }, y: { range: [0, 1] } },
    axes: [
      { ...axis, label: 'People in the audience', labelSize: 24, values: (_, ticks) => ticks.map(formatShort) },
      { ...axis, label: 'Look-alikes reached', labelSize: 24, values: (_, ticks) => ticks.map(formatShare) },
    ],
  };
}
