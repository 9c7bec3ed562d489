/** Options and report of a benchmark: figures with their spread, and ratios within one run. */

export interface BenchOptions {
  /** Small sizes: seconds instead of minutes. */
  readonly quick: boolean;
  /** A number of users other than the benchmark's own. */
  readonly users: number | null;
  /** The PyTorch peer to compare with: a Python file. */
  readonly peer: string | null;
  readonly note: (line: string) => void;
}

/** A statistic of the repeats. */
export interface Figure {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly unit: string;
}

export interface BenchReport {
  readonly results: Readonly<Record<string, Figure>>;
  /** Medians of the ratios pair by pair; a missing competitor has none. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Facts that the figures do not show. */
  readonly lines?: readonly string[];
  /** Its table as Markdown for a page. */
  readonly markdown?: readonly string[];
}

export type Benchmark = (options: BenchOptions) => Promise<BenchReport>;

export function figure(values: readonly number[], unit: string): Figure {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values), unit };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of a / b, pair by pair: a machine's changing speed affects both. */
export function ratio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, i) => value / b[i]!));
}

/** Figures in one unit; a missing way has none. */
export function figures(values: Readonly<Record<string, readonly number[]>>, unit: string): Record<string, Figure> {
  const present = Object.entries(values).filter(([, own]) => own.length > 0);
  return Object.fromEntries(present.map(([name, own]) => [name, figure(own, unit)]));
}

/** Ratios a / b by name; ratios with a missing way are left out. */
export function ratios(
  pairs: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>,
): Record<string, number> {
  const present = Object.entries(pairs).filter(([, [a, b]]) => a.length > 0 && b.length > 0);
  return Object.fromEntries(present.map(([name, [a, b]]) => [name, ratio(a, b)]));
}

/**
 * Measures the ways A B A B .. after one round that is not counted; each returns its figure. null is a missing way,
 * which gets no figures.
 */
export async function interleave<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, (() => Promise<number>) | null>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(ways) as Name[];
  const out = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round++)
    for (const name of names) {
      const way = ways[name];
      if (way === null) continue;
      const value = await way();
      if (round > 0) out[name].push(value);
    }
  return out;
}

/** Seconds that `run` takes. */
export async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** A table of the figures, then the ratios. */
export function renderReport(name: string, { results, ratios, lines = [] }: BenchReport): string[] {
  const rows = Object.entries(results).map(([what, { min, median: middle, max, unit }]) => [
    what,
    `${digits(middle)} ${unit}`,
    `${digits(min)} .. ${digits(max)}`,
  ]);
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return [
    ...lines.map((line) => `${name}: ${line}`),
    ...rows.map(
      ([what, middle, range]) => `${name}: ${what!.padEnd(widths[0]!)}  ${middle!.padStart(widths[1]!)}  ${range}`,
    ),
    ...Object.entries(ratios).map(([what, value]) => `${name}: ${what} ${value.toFixed(2)}`),
  ];
}

function digits(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
