/**
 * Counts of responses and a histogram of their times, in Prometheus' text.
 * prom-client sorts and joins the labels of every observation anew, which takes as long as a look-up itself.
 */
import type { Answered } from '../http/request-log.ts';

const REQUESTS = 'http_requests_total';
const DURATIONS = 'http_request_duration_seconds';
const BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Of one method, route and status. */
interface Series {
  readonly method: string;
  readonly status: number;
  readonly labels: string;
  /** Responses that took at most as long as the bucket with the same index, and longer than the one before. */
  readonly counts: Float64Array;
  count: number;
  seconds: number;
}

/** Their number is bounded by the routes, the methods that Node's parser knows, and the statuses of the API. */
export class RequestMetrics {
  readonly #byRoute = new Map<string, Series[]>();

  /** Counts a response by the route's pattern. */
  readonly observe = ({ route, method, status, ms }: Answered): void => {
    const series = this.#seriesOf(route, method, status);
    const seconds = ms / 1000;
    series.count += 1;
    series.seconds += seconds;
    let bucket = 0;
    while (bucket < BUCKETS_SECONDS.length && seconds > BUCKETS_SECONDS[bucket]!) bucket++;
    if (bucket < BUCKETS_SECONDS.length) series.counts[bucket]! += 1;
  };

  /** The lines of both metrics. */
  render(): string {
    const all = [...this.#byRoute.values()].flat();
    const lines = [`# HELP ${REQUESTS} Requests answered.`, `# TYPE ${REQUESTS} counter`];
    for (const { labels, count } of all) lines.push(`${REQUESTS}{${labels}} ${count}`);
    lines.push(`# HELP ${DURATIONS} Time from the request head to the end of the response.`);
    lines.push(`# TYPE ${DURATIONS} histogram`);
    for (const series of all) lines.push(...histogramLines(series));
    return `${lines.join('\n')}\n`;
  }

  #seriesOf(route: string, method: string, status: number): Series {
    const own = this.#byRoute.get(route) ?? [];
    for (const series of own) if (series.status === status && series.method === method) return series;
    const labels = `method="${method}",route="${route}",status="${status}"`;
    const made = { method, status, labels, counts: new Float64Array(BUCKETS_SECONDS.length), count: 0, seconds: 0 };
    own.push(made);
    this.#byRoute.set(route, own);
    return made;
  }
}

function histogramLines({ labels, counts, count, seconds }: Series): string[] {
  let below = 0;
  const buckets = BUCKETS_SECONDS.map((most, i) => {
    below += counts[i]!;
    return `${DURATIONS}_bucket{le="${most}",${labels}} ${below}`;
  });
  return [
    ...buckets,
    `${DURATIONS}_bucket{le="+Inf",${labels}} ${count}`,
    `${DURATIONS}_sum{${labels}} ${seconds}`,
    `${DURATIONS}_count{${labels}} ${count}`,
  ];
}
