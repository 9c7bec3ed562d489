/** Metrics in Prometheus' text, as this service writes it, in the form of OTLP: the same names and labels. */
import { type KeyValue, keyValues, nanoseconds } from './otlp.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

interface Times {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

/** Sums since the start of the service. */
const CUMULATIVE = 2;

/** Metrics of the text, in its order. Times are milliseconds since 1970. */
export function metricsOf(text: string, startedAt: number, now: number): object[] {
  const times = { startTimeUnixNano: nanoseconds(startedAt), timeUnixNano: nanoseconds(now) };
  return readFamilies(text)
    .filter(({ samples }) => samples.length > 0)
    .map((family) => ({ name: family.name, description: family.help, ...dataOf(family, times) }));
}

function readFamilies(text: string): Family[] {
  const families: Family[] = [];
  let help = '';
  for (const line of text.split('\n')) {
    const [, word, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') help = rest!;
    else if (word === 'TYPE') families.push({ name: name!, help, type: rest!, samples: [] });
    else if (line !== '' && !line.startsWith('#')) families.at(-1)?.samples.push(readSample(line));
  }
  return families;
}

function readSample(line: string): Sample {
  const [, name, labels, value] = /^([^{\s]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
  const pairs = [...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name: name ?? '',
    labels: Object.fromEntries(pairs.map(([, key, text]) => [key!, unescapeLabel(text!)])),
    value: numberOf(value ?? ''),
  };
}

function unescapeLabel(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === 'Nan' ? Number.NaN : Number(text);
}

function dataOf({ type, samples }: Family, times: Times): object {
  if (type === 'histogram')
    return { histogram: { aggregationTemporality: CUMULATIVE, dataPoints: histogramPoints(samples, times) } };
  // JSON has no other numbers
  const finite = samples.filter(({ value }) => Number.isFinite(value));
  const dataPoints = finite.map(({ labels, value }) => ({ attributes: keyValues(labels), ...times, asDouble: value }));
  if (type !== 'counter') return { gauge: { dataPoints } };
  return { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
}

/** A point for each set of labels: the text counts a bucket with all below it, OTLP a bucket alone. */
function histogramPoints(samples: readonly Sample[], times: Times): object[] {
  const points = new Map<string, { attributes: KeyValue[]; below: [number, number][]; sum: number; count: number }>();
  for (const { name, labels, value } of samples) {
    const { le, ...own } = labels;
    const key = JSON.stringify(own);
    const point = points.get(key) ?? { attributes: keyValues(own), below: [], sum: 0, count: 0 };
    points.set(key, point);
    if (name.endsWith('_sum')) point.sum = value;
    else if (name.endsWith('_count')) point.count = value;
    else point.below.push([numberOf(le ?? ''), value]);
  }
  return [...points.values()].map(({ attributes, below, sum, count }) => {
    const sorted = below.sort(([a], [b]) => a - b);
    return {
      ...{ attributes, ...times, sum, count: String(count) },
      explicitBounds: sorted.map(([bound]) => bound).filter(Number.isFinite),
      bucketCounts: sorted.map(([, most], i) => String(most - (sorted[i - 1]?.[1] ?? 0))),
    };
  });
}
