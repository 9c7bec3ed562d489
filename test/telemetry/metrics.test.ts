/** Metrics in the form of OTLP, from the text that prom-client writes. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { metricsOf } from '../../src/telemetry/metrics.ts';

it('keeps names, labels and values of counters, gauges and histograms', async () => {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'a_total', help: 'Counts.', labelNames: ['route'], registers }).inc({ route: '/x "y"\\\n' }, 3);
  new Gauge({ name: 'b', help: 'Is.', registers }).set(-1.5);
  new Gauge({ name: 'not', help: 'Is none.', registers }).set(Number.NaN);
  const times = new Histogram({ name: 'c_seconds', help: 'Takes.', labelNames: ['class'], buckets: [1, 5], registers });
  for (const seconds of [0.5, 2, 2, 9]) times.observe({ class: 'read' }, seconds);
  const point = { startTimeUnixNano: '1000000000', timeUnixNano: '2000000000' };
  expect(metricsOf(await registry.metrics(), 1_000, 2_000)).toEqual([
    {
      name: 'a_total',
      description: 'Counts.',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ ...point, attributes: [{ key: 'route', value: { stringValue: '/x "y"\\\n' } }], asDouble: 3 }],
      },
    },
    { name: 'b', description: 'Is.', gauge: { dataPoints: [{ ...point, attributes: [], asDouble: -1.5 }] } },
    { name: 'not', description: 'Is none.', gauge: { dataPoints: [] } },
    {
      name: 'c_seconds',
      description: 'Takes.',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...point,
            attributes: [{ key: 'class', value: { stringValue: 'read' } }],
            ...{ sum: 13.5, count: '4', explicitBounds: [1, 5], bucketCounts: ['1', '2', '1'] },
          },
        ],
      },
    },
  ]);
});
