/** OpenTelemetry's variables: which are taken, and what goes before what. */
import { expect, it } from 'vitest';
import { readSettings } from '../../src/service/settings/environment.ts';
import { readTelemetry } from '../../src/service/settings/otel-variables.ts';

const OWN = { METAHEAC_OTLP_ENDPOINT: 'http://own:4318/' };
const BASE = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://base/otlp' };
const TRACES = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces/in' };
const METRICS = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics/in' };

function read(source: Readonly<Record<string, string>>) {
  const ignored: string[] = [];
  const settings = readTelemetry(readSettings(source), source, (name) => ignored.push(name));
  return { settings, ignored };
}

it.each([
  [{}, null, null],
  [OWN, 'http://own:4318/v1/traces', 'http://own:4318/v1/metrics'],
  [BASE, 'https://base/otlp/v1/traces', 'https://base/otlp/v1/metrics'],
  [TRACES, 'http://traces/in', null],
  [METRICS, null, 'http://metrics/in'],
  [{ ...BASE, ...TRACES }, 'http://traces/in', 'https://base/otlp/v1/metrics'],
  [{ ...OWN, ...BASE, ...TRACES, ...METRICS }, 'http://own:4318/v1/traces', 'http://own:4318/v1/metrics'],
  [{ ...BASE, OTEL_TRACES_EXPORTER: 'none' }, null, 'https://base/otlp/v1/metrics'],
  [{ ...OWN, OTEL_METRICS_EXPORTER: 'none' }, 'http://own:4318/v1/traces', null],
  [{ ...OWN, OTEL_SDK_DISABLED: 'TRUE' }, null, null],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, null, null],
])('says where to send: %o', (source, tracesUrl, metricsUrl) => {
  const { settings, ignored } = read(source);
  expect([settings?.tracesUrl ?? null, settings?.metricsUrl ?? null, ignored]).toEqual([tracesUrl, metricsUrl, []]);
  if (tracesUrl === null && metricsUrl === null) expect(settings).toBeNull();
});

it('says how to send', () => {
  const variables = {
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_BSP_SCHEDULE_DELAY: '1',
    OTEL_BSP_MAX_QUEUE_SIZE: '2',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3',
    OTEL_BSP_EXPORT_TIMEOUT: '4',
    OTEL_METRIC_EXPORT_INTERVAL: '500',
    OTEL_METRIC_EXPORT_TIMEOUT: '6',
  };
  expect(read({ ...BASE, ...variables }).settings).toMatchObject({
    ...{ sampler: 'traceidratio', samplerRatio: 0.25 },
    batch: { scheduledDelayMillis: 1, maxQueueSize: 2, maxExportBatchSize: 3, exportTimeoutMillis: 4 },
    ...{ metricsMs: 500, metricsTimeoutMs: 6 },
  });
});

it.each([
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://user:tops3cret@x:4317'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ['OTEL_TRACES_EXPORTER', 'console'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0'],
  ['OTEL_METRIC_EXPORT_INTERVAL', 'often'],
  ['OTEL_SDK_DISABLED', '1'],
])('ignores a value that cannot be used, and says of which variable: %s', (name, value) => {
  const { settings, ignored } = read({ ...BASE, [name]: value });
  expect(ignored).toEqual([name]);
  expect(settings).toEqual(read(BASE).settings);
  // nobody is told of what is not in use
  expect(read({ [name]: value })).toEqual({ settings: null, ignored: [] });
});
