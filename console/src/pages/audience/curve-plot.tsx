/**
 * Plots a curve over the size of an audience, with the interval as a band. Hovering shows the values at a size, and
 * pressing sets the size.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useConsole } from '../../console.ts';
import { formatShort } from '../../ui/format.ts';

export interface CurvePlotProps {
  /**
   * Columns of the plot: ascending sizes, upper and lower ends of the intervals, values of a random audience, and
   * expected values.
   */
  readonly points: readonly (readonly number[])[];
  readonly y: { readonly label: string; readonly format: (y: number) => string; readonly scale: uPlot.Scale };
  readonly heightPx: number;
  readonly onSize: (size: number) => void;
  /** The size under the pointer; null if the pointer is not over the plot. */
  readonly onRead: (size: number | null) => void;
  /** Elements over the plot, which are placed with `at`. */
  readonly children: (at: PlaceOf) => ComponentChildren;
}

/** Returns the style that places an element at a size and, with `--knob`, at a height. */
export type PlaceOf = (size: number, y: number) => Readonly<Record<string, string>>;

export function CurvePlot({ points, y, heightPx, onSize, onRead, children }: CurvePlotProps) {
  const { page, theme } = useConsole();
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef({ onSize, onRead });
  latest.current = { onSize, onRead };
  const [drawn, setDrawn] = useState<{ readonly plot: uPlot } | null>(null);
  const themeName = theme.name.value;
  // the plot is drawn again if the theme changes, because another theme has other colours
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const data = points.map((values) => [...values]) as uPlot.AlignedData;
    const plot = new uPlot(optionsOf({ element, page, points, y, heightPx }), data, element);
    const stopDragging = followPointer(plot, latest);
    const sizes = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height: heightPx });
      setDrawn({ plot });
    });
    sizes.observe(element);
    setDrawn({ plot });
    return () => {
      stopDragging();
      sizes.disconnect();
      plot.destroy();
    };
  }, [points, y, heightPx, page, themeName]);
  return (
    <div class="reach" ref={box}>
      {drawn === null ? null : children((size, value) => placeOf(drawn.plot, page.devicePixelRatio, size, value))}
    </div>
  );
}

function placeOf(plot: uPlot, ratio: number, size: number, y: number): Readonly<Record<string, string>> {
  const { left, top, height } = plot.bbox;
  return {
    left: `${left / ratio + plot.valToPos(size, 'x')}px`,
    top: `${top / ratio}px`,
    height: `${height / ratio}px`,
    '--knob': `${plot.valToPos(y, 'y')}px`,
  };
}

/**
 * Reports the size under the pointer, and sets the size while the pointer is pressed. After a touch, the values stay
 * visible.
 */
function followPointer(
  { over, posToVal }: uPlot,
  latest: { readonly current: Pick<CurvePlotProps, 'onSize' | 'onRead'> },
): () => void {
  const sizeAt = (event: PointerEvent) => {
    const x = event.clientX - over.getBoundingClientRect().left;
    return Math.max(1, Math.round(posToVal(Math.min(Math.max(0, x), over.clientWidth), 'x')));
  };
  const on = {
    pointerdown(event: PointerEvent) {
      over.setPointerCapture(event.pointerId);
      on.pointermove(event);
    },
    pointermove(event: PointerEvent) {
      const size = sizeAt(event);
      latest.current.onRead(size);
      if (over.hasPointerCapture(event.pointerId)) latest.current.onSize(size);
    },
    pointerleave({ pointerType }: PointerEvent) {
      if (pointerType === 'mouse') latest.current.onRead(null);
    },
  };
  const events = Object.entries(on) as [keyof typeof on, (event: PointerEvent) => void][];
  for (const [name, listener] of events) over.addEventListener(name, listener);
  return () => {
    for (const [name, listener] of events) over.removeEventListener(name, listener);
  };
}

type Drawn = Pick<CurvePlotProps, 'points' | 'y' | 'heightPx'> & {
  readonly element: HTMLElement;
  readonly page: Window;
};

function optionsOf({ element, page, points: [sizes = []], y, heightPx }: Drawn): uPlot.Options {
  const colour = (name: string) => page.getComputedStyle(element).getPropertyValue(name).trim();
  const grid = { stroke: colour('--line'), width: 1 };
  const axis = { stroke: colour('--muted'), grid, ticks: { show: false }, labelSize: 22 };
  const edge = { width: 0, points: { show: false } };
  return {
    width: element.clientWidth,
    height: heightPx,
    legend: { show: false },
    series: [
      ...[{}, edge, edge],
      { stroke: colour('--line-strong'), width: 1, dash: [4, 4], points: { show: false } },
      { stroke: colour('--accent'), width: 2, points: { show: false } },
    ],
    bands: [{ series: [1, 2], fill: colour('--accent-wash') }],
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: false, distr: LOGARITHMIC, range: [sizes[0] ?? 1, sizes.at(-1) ?? 10] }, y: y.scale },
    axes: [
      {
        ...axis,
        label: 'People in the audience',
        size: 30,
        filter: (_, ticks) => ticks,
        splits: (plot) => ticksOf(plot, 'x'),
        values: (_, ticks) => ticks.map(formatShort),
      },
      {
        ...axis,
        label: y.label,
        size: 56,
        filter: (_, ticks) => ticks,
        ...(y.scale.distr === LOGARITHMIC ? { splits: (plot: uPlot) => ticksOf(plot, 'y') } : {}),
        values: (_, ticks) => ticks.map(y.format),
      },
    ],
  };
}

export const LOGARITHMIC = 3;
/** Space for a tick, its label and a share of the margin around the plot. */
const TICK_PX = { x: 64, y: 40 };

/** Returns the ticks 1, 2, 5, 10, .. within a scale, or only powers of ten if there would be too many ticks. */
function ticksOf(plot: uPlot, scale: 'x' | 'y'): number[] {
  const { min = 1, max = 10 } = plot.scales[scale] as { min?: number; max?: number };
  // the size of the whole element is used, because the plot area still has its old size during a resize
  const lengthPx = scale === 'x' ? plot.width : plot.height;
  const within = (factors: readonly number[]) => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++)
      ticks.push(...factors.map((factor) => factor * 10 ** power).filter((tick) => tick >= min && tick <= max));
    return ticks;
  };
  const fine = within([1, 2, 5]);
  return fine.length * TICK_PX[scale] <= lengthPx ? fine : within([1]);
}
