/** Metrics of prom-client as an OTLP receiver gets them. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../src/lib/logging.ts';
import { openTelemetry } from '../../../src/lib/telemetry/open.ts';
import type { MetricFamily } from '../../../src/lib/tracing.ts';
import { openOtlpReceiver } from './receiver.ts';
import { settingsOf } from './settings.ts';

it('keeps names, labels and values of counters, gauges and histograms', async () => {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'a_total', help: 'Counts.', labelNames: ['route'], registers }).inc({ route: '/x "y"\\\n' }, 3);
  new Gauge({ name: 'b', help: 'Is.', registers }).set(-1.5);
  new Gauge({ name: 'not', help: 'Is none.', registers }).set(Number.NaN);
  const times = new Histogram({ name: 'c_seconds', help: 'Takes.', labelNames: ['class'], buckets: [1, 5], registers });
  for (const seconds of [0.5, 2, 2, 9]) times.observe({ class: 'read' }, seconds);
  const families = async () => {
    const all = await registry.getMetricsAsJSON();
    return all.map((one) => ({ ...one, type: String(one.type) }) as MetricFamily);
  };
  const point = { startTimeUnixNano: '1000000000', timeUnixNano: '2000000000' };
  expect(await exported(families)).toEqual([
    {
      name: 'a_total',
      description: 'Counts.',
      unit: '',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ ...point, attributes: [{ key: 'route', value: { stringValue: '/x "y"\\\n' } }], asDouble: 3 }],
      },
    },
    {
      name: 'b',
      description: 'Is.',
      unit: '',
      gauge: { dataPoints: [{ ...point, attributes: [], asDouble: -1.5 }] },
    },
    { name: 'not', description: 'Is none.', unit: '', gauge: { dataPoints: [] } },
    {
      name: 'c_seconds',
      description: 'Takes.',
      unit: '',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...point,
            attributes: [{ key: 'class', value: { stringValue: 'read' } }],
            sum: 13.5,
            count: 4,
            explicitBounds: [1, 5],
            bucketCounts: [1, 2, 1],
          },
        ],
      },
    },
  ]);
});

it('exports nothing and continues if metrics cannot be read', async () => {
  expect(await exported(() => Promise.reject(new Error('the store is closed')))).toEqual([]);
});

/** What a receiver has after the last export, of which the service began at second 1 and is at second 2. */
async function exported(read: () => Promise<readonly MetricFamily[]>): Promise<unknown[]> {
  const receiver = await openOtlpReceiver();
  onTestFinished(() => receiver.close());
  let now = 1_000;
  const clock = { now: () => now, elapsed: () => now };
  const logger = createLogger('silent', 'test');
  const telemetry = openTelemetry({ settings: settingsOf(receiver.url), process: 'api', clock, logger });
  const end = telemetry.exportMetrics(read);
  now = 2_000;
  await end();
  await telemetry.close();
  return [...receiver.metrics.values()];
}
