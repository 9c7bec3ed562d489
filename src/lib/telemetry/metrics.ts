/** Converts prom-client metrics for OpenTelemetry's reader, with the same names, labels and buckets. */
import { type HrTime, ValueType } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging.ts';
import type { MetricFamily } from '../tracing.ts';

type Times = Pick<DataPoint<number>, 'startTime' | 'endTime'>;
type Values = MetricFamily['values'];

/**
 * Creates a producer of metrics. The time of this call is exported as the start time of all sums. If `read` throws, the
 * error is logged and nothing is exported.
 */
export function createMetricProducer(
  read: () => Promise<readonly MetricFamily[]>,
  clock: Pick<Clock, 'now'>,
  logger: Logger,
): MetricProducer {
  const startedAt = clock.now();
  return {
    collect: async () => {
      const scopeMetrics = [];
      try {
        const startTime = millisToHrTime(startedAt);
        const endTime = millisToHrTime(Math.max(startedAt, clock.now()));
        scopeMetrics.push({ scope: { name: 'metaheac' }, metrics: metricsOf(await read(), startTime, endTime) });
      } catch (error) {
        logger.warn({ error: messageOf(error) }, 'metrics could not be read for export');
      }
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
}

function metricsOf(families: readonly MetricFamily[], startTime: HrTime, endTime: HrTime): MetricData[] {
  return families
    .filter(({ values }) => values.length > 0)
    .map(({ name, help: description, type, values }): MetricData => {
      const common = {
        descriptor: { name, description, unit: '', valueType: ValueType.DOUBLE },
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
      };
      const times = { startTime, endTime };
      if (type === 'histogram')
        return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramPoints(values, times) };
      const dataPoints = numberPoints(values, times);
      if (type !== 'counter') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    });
}

/** Returns a data point for each finite value. JSON cannot represent other numbers. */
function numberPoints(values: Values, times: Times): DataPoint<number>[] {
  return values
    .filter(({ value }) => Number.isFinite(value))
    .map(({ labels, value }) => ({ ...times, attributes: labels, value }));
}

/**
 * Returns a data point for each set of labels. A bucket of prom-client also counts all lower values, but a bucket of
 * OTLP counts only its own values.
 */
function histogramPoints(values: Values, times: Times): DataPoint<Histogram>[] {
  const points = new Map<
    string,
    { attributes: Values[number]['labels']; below: [number, number][]; sum: number; count: number }
  >();
  for (const { metricName = '', labels, value } of values) {
    const { le, ...attributes } = labels;
    const key = JSON.stringify(attributes);
    const point = points.get(key) ?? { attributes, below: [], sum: 0, count: 0 };
    points.set(key, point);
    if (metricName.endsWith('_sum')) point.sum = value;
    else if (metricName.endsWith('_count')) point.count = value;
    else point.below.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value]);
  }
  return [...points.values()].map(({ attributes, below, sum, count }) => {
    const sorted = below.sort(([a], [b]) => a - b);
    const boundaries = sorted.map(([bound]) => bound).filter(Number.isFinite);
    const counts = sorted.map(([, most], i) => most - (sorted[i - 1]?.[1] ?? 0));
    return { ...times, attributes, value: { buckets: { boundaries, counts }, sum, count } };
  });
}
