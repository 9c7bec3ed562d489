/**
 * Counts of responses, and a histogram of their times by class, in Prometheus' text.
 * prom-client sorts and joins the labels of every observation anew, which takes as long as a look-up itself.
 */
import type { RequestClass } from '../http/fastify-types.ts';
import type { Answered } from '../http/request-log.ts';

const REQUESTS = 'http_requests_total';
const DURATIONS = 'http_request_duration_seconds';
/** A look-up takes a tenth of the first, a stream may take the last: four or five times the one before. */
const BUCKETS_SECONDS = [0.0005, 0.002, 0.01, 0.05, 0.2, 1, 5, 30, 300];

/** Of one method, route and status. */
interface Series {
  readonly method: string;
  readonly status: number;
  readonly labels: string;
  readonly times: Times;
  count: number;
}

/** Of one class. */
interface Times {
  /** Responses that took at most as long as the bucket with the same index, and longer than the one before. */
  readonly counts: Float64Array;
  count: number;
  seconds: number;
}

/** Series are bounded by the routes, the methods that Node's parser knows, and the statuses of the API. */
export class RequestMetrics {
  readonly #byRoute = new Map<string, Series[]>();
  readonly #byClass = new Map<RequestClass, Times>();

  /** Counts a response by the route's pattern and class. */
  readonly observe = (answered: Answered): void => {
    const series = this.#seriesOf(answered);
    series.count += 1;
    const { times } = series;
    const seconds = answered.ms / 1000;
    times.count += 1;
    times.seconds += seconds;
    let bucket = 0;
    while (bucket < BUCKETS_SECONDS.length && seconds > BUCKETS_SECONDS[bucket]!) bucket++;
    if (bucket < BUCKETS_SECONDS.length) times.counts[bucket]! += 1;
  };

  /** The lines of both metrics. */
  render(): string {
    const lines = [`# HELP ${REQUESTS} Requests answered.`, `# TYPE ${REQUESTS} counter`];
    for (const all of this.#byRoute.values())
      for (const { labels, count } of all) lines.push(`${REQUESTS}{${labels}} ${count}`);
    lines.push(`# HELP ${DURATIONS} Time from the request head to the end of the response.`);
    lines.push(`# TYPE ${DURATIONS} histogram`);
    for (const [name, times] of this.#byClass) lines.push(...histogramLines(name, times));
    return `${lines.join('\n')}\n`;
  }

  #seriesOf({ route, class: name, method, status }: Answered): Series {
    const own = this.#byRoute.get(route) ?? [];
    for (const series of own) if (series.status === status && series.method === method) return series;
    const labels = `method="${method}",route="${route}",status="${status}"`;
    const made = { method, status, labels, times: this.#timesOf(name), count: 0 };
    own.push(made);
    this.#byRoute.set(route, own);
    return made;
  }

  #timesOf(name: RequestClass): Times {
    const times = this.#byClass.get(name) ?? {
      counts: new Float64Array(BUCKETS_SECONDS.length),
      count: 0,
      seconds: 0,
    };
    this.#byClass.set(name, times);
    return times;
  }
}

function histogramLines(name: RequestClass, { counts, count, seconds }: Times): string[] {
  const label = `class="${name}"`;
  let below = 0;
  const buckets = BUCKETS_SECONDS.map((most, i) => {
    below += counts[i]!;
    return `${DURATIONS}_bucket{le="${most}",${label}} ${below}`;
  });
  return [
    ...buckets,
    `${DURATIONS}_bucket{le="+Inf",${label}} ${count}`,
    `${DURATIONS}_sum{${label}} ${seconds}`,
    `${DURATIONS}_count{${label}} ${count}`,
  ];
}
