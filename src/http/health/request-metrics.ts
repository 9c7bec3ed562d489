/**
 * Counts responses, and measures their durations in a histogram by class. prom-client only renders the text. Counting
 * with it would be too slow: it sorts and joins the labels at every observation, which takes as long as a look-up.
 */
import { Gauge, type Registry } from 'prom-client';
import type { MetricFamily } from '../../lib/tracing.ts';
import type { RequestClass } from '../plugins/fastify-types.ts';
import type { Answered } from '../plugins/request-log.ts';

const REQUESTS = 'http_requests_total';
const DURATIONS = 'http_request_duration_seconds';
/**
 * Bucket bounds in seconds. A look-up takes a tenth of the first bound, and a stream may take as long as the last
 * bound. Most bounds are four or five times the previous bound.
 */
const BUCKETS_SECONDS = [0.0005, 0.002, 0.01, 0.05, 0.2, 1, 5, 30, 300];

/** Number of responses with the same method, route and status. */
interface Series {
  readonly method: string;
  readonly status: number;
  readonly times: Times;
  count: number;
}

/** Durations of the responses of one class. */
interface Times {
  /**
   * Number of responses in each bucket. A bucket covers durations above the previous bound, up to and including the
   * bound with the same index.
   */
  readonly counts: Float64Array;
  count: number;
  seconds: number;
}

/**
 * Counts responses. The number of series is bounded by the routes, the methods of Node's parser, and the API's
 * statuses.
 */
export class RequestMetrics {
  readonly #byRoute = new Map<string, Series[]>();
  readonly #byClass = new Map<RequestClass, Times>();

  /** Counts a response under its route's pattern and class. */
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

  /** Adds both metrics to a registry. They are read at each scrape. */
  register(registry: Registry): void {
    const add = (name: string, family: () => Omit<MetricFamily, 'name'>) => {
      // a prom-client metric whose type and values are replaced
      const metric = new Gauge({ name, help: name, registers: [] });
      const get = async () => ({ name, ...family(), aggregator: 'sum' as const });
      registry.registerMetric(Object.assign(metric, { get }));
    };
    add(REQUESTS, () => ({
      ...{ help: 'Requests answered.', type: 'counter' },
      values: [...this.#byRoute].flatMap(([route, all]) =>
        all.map(({ method, status, count: value }) => ({ labels: { method, route, status }, value })),
      ),
    }));
    add(DURATIONS, () => ({
      ...{ help: 'Seconds from the request head to the end of the response.', type: 'histogram' },
      values: [...this.#byClass].flatMap(([name, times]) => histogramValues(name, times)),
    }));
  }

  #seriesOf({ route, class: name, method, status }: Answered): Series {
    const own = this.#byRoute.get(route) ?? [];
    for (const series of own) if (series.status === status && series.method === method) return series;
    const made = { method, status, times: this.#timesOf(name), count: 0 };
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

function histogramValues(name: RequestClass, { counts, count, seconds }: Times): MetricFamily['values'] {
  const labels = { class: name };
  let below = 0;
  const buckets = BUCKETS_SECONDS.map((most, i) => {
    below += counts[i]!;
    return { metricName: `${DURATIONS}_bucket`, labels: { le: most, ...labels }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${DURATIONS}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
    { metricName: `${DURATIONS}_sum`, labels, value: seconds },
    { metricName: `${DURATIONS}_count`, labels, value: count },
  ];
}
