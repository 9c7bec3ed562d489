/** Whether memory, handles or files of a service grow over a soak: the slope of each series, and its bound. */

/** A sample of what the service holds. */
export interface Sample {
  readonly seconds: number;
  /** Resident memory of all processes. */
  readonly bytes: number;
  readonly handles: number;
  /** The size of the data folder. */
  readonly files: number;
}

type Series = Exclude<keyof Sample, 'seconds'>;

interface Growth {
  /** The medians of the first and second half of the samples that count. */
  readonly before: number;
  readonly after: number;
  readonly perHour: number;
  readonly most: number;
}

export interface SoakReport {
  readonly seed: string;
  readonly seconds: number;
  readonly requests: number;
  readonly growth: Readonly<Record<Series, Growth>>;
  /** One line per series. */
  readonly faults: readonly string[];
}

/** What is loaded and filled at the start is not growth: this share of the samples does not count. */
const WARM_UP = 1 / 3;

/** How much the second half may exceed the first: a share of it, and noise in any case. */
const BOUNDS: Readonly<Record<Series, { readonly share: number; readonly noise: number }>> = {
  bytes: { share: 0.1, noise: 16 * 2 ** 20 },
  handles: { share: 0.1, noise: 8 },
  files: { share: 0.25, noise: 40 },
};

/** The slopes of `samples`, which are in order of time. */
export function growthOf(
  samples: readonly Sample[],
  { seed, requests, errors }: { readonly seed: string; readonly requests: number; readonly errors: readonly string[] },
): SoakReport {
  const counted = samples.slice(Math.floor(WARM_UP * samples.length));
  const growth = Object.fromEntries(
    (Object.keys(BOUNDS) as Series[]).map((series) => [series, growthOfOne(counted, series)]),
  ) as Record<Series, Growth>;
  const grown = Object.entries(growth).filter(([, { after, most }]) => after > most);
  return {
    seed,
    seconds: samples.at(-1)?.seconds ?? 0,
    requests,
    growth,
    faults: [
      ...errors,
      ...grown.map(([series, { after, most }]) => `${series} grew to ${after}, more than ${Math.round(most)}`),
    ],
  };
}

function growthOfOne(samples: readonly Sample[], series: Series): Growth {
  const middle = samples.length >> 1;
  const at = (part: readonly Sample[]) => median(part.map((sample) => sample[series]));
  const [before, after] = [at(samples.slice(0, middle)), at(samples.slice(middle))];
  const { share, noise } = BOUNDS[series];
  return { before, after, perHour: 3600 * slope(samples, series), most: before * (1 + share) + noise };
}

/** The slope of the least-squares line, per second. */
function slope(samples: readonly Sample[], series: Series): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [x, y] = [mean(({ seconds }) => seconds), mean((sample) => sample[series])];
  const covariance = mean((sample) => (sample.seconds - x) * (sample[series] - y));
  const variance = mean(({ seconds }) => (seconds - x) ** 2);
  return variance === 0 ? 0 : covariance / variance;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

export function renderSoak({ seed, seconds, requests, growth, faults }: SoakReport): string[] {
  const shown = (series: string, value: number) =>
    series === 'bytes' ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(Math.round(value));
  return [
    `${Math.round(seconds)} s, seed ${seed}, ${requests} requests`,
    ...Object.entries(growth).map(
      ([series, { before, after, perHour, most }]) =>
        `${series}: ${shown(series, before)}, then ${shown(series, after)}; ${shown(series, perHour)} an hour; ` +
        `bound ${shown(series, most)}`,
    ),
    ...faults.map((fault) => `error: ${fault}`),
    faults.length > 0 ? 'FAILED' : 'passed',
  ];
}
