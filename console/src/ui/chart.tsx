/** A line chart (uPlot) in the colours of the theme, with the numbers behind it as a table. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useConsole } from '../console.ts';
import { type Column, Table } from './table.tsx';

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** `band`: the edge of an interval, drawn thin. */
  readonly kind?: 'line' | 'band';
}

interface ChartProps {
  /** What it shows, in a sentence. */
  readonly label: string;
  readonly x: { readonly label: string; readonly values: readonly number[]; readonly format: (x: number) => string };
  readonly y: { readonly label: string; readonly format: (y: number) => string };
  readonly series: readonly Series[];
  readonly heightPx?: number;
  /** Called with the index of the point that was clicked. */
  readonly onPick?: (index: number) => void;
}

const HEIGHT_PX = 280;

export function Chart({ label, x, y, series, heightPx = HEIGHT_PX, onPick }: ChartProps) {
  const { page, theme } = useConsole();
  const ref = useRef<HTMLDivElement>(null);
  const pick = useRef(onPick);
  pick.current = onPick;
  const themeName = theme.name.value;
  // another theme has other colours
  useEffect(() => {
    const box = ref.current;
    if (box === null) return;
    const plot = new uPlot(
      optionsOf({ box, page, x, y, series, heightPx }),
      [[...x.values], ...series.map(({ values }) => [...values])],
      box,
    );
    const onClick = () => {
      const index = plot.cursor.idx;
      if (typeof index === 'number') pick.current?.(index);
    };
    plot.over.addEventListener('click', onClick);
    const sizes = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: heightPx }));
    sizes.observe(box);
    return () => {
      sizes.disconnect();
      plot.destroy();
    };
  }, [x, y, series, heightPx, themeName, page]);
  const columns: Column<number>[] = [
    { key: 'x', title: x.label, isNumber: true, cell: (i) => x.format(x.values[i]!) },
    ...series.map(({ label: title, values }) => ({
      ...{ key: title, title, isNumber: true },
      cell: (i: number) => (values[i] == null ? '–' : y.format(values[i])),
    })),
  ];
  return (
    <figure class="chart">
      <div ref={ref} role="img" aria-label={label} />
      <details>
        <summary>Show the numbers</summary>
        <Table caption={label} columns={columns} rows={x.values.map((_, i) => i)} rowKey={String} />
      </details>
    </figure>
  );
}

type Drawn = Pick<ChartProps, 'x' | 'y' | 'series'> & {
  readonly box: HTMLElement;
  readonly page: Window;
  readonly heightPx: number;
};

/** Lines, axes and their colours, which are those of the theme that `box` has now. */
function optionsOf({ box, page, x, y, series, heightPx }: Drawn): uPlot.Options {
  const colour = (name: string) => page.getComputedStyle(box).getPropertyValue(name).trim();
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const lines = series.map(({ label, kind }) => ({
    ...{ label, width: kind === 'band' ? 1 : 2, points: { show: false } },
    stroke: colour(kind === 'band' ? '--muted' : '--accent'),
  }));
  return {
    ...{ width: box.clientWidth, height: heightPx, series: [{}, ...lines] },
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, label: x.label, values: (_, ticks) => ticks.map(x.format) },
      { ...axis, label: y.label, values: (_, ticks) => ticks.map(y.format) },
    ],
  };
}
