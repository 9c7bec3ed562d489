/** Telemetry of one process over OTLP, by OpenTelemetry's SDK: traces, and the metrics of /metrics. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';
import type { Telemetry, TelemetrySettings } from '../tracing.ts';
import { Drops } from './drops.ts';
import { createMetricProducer } from './metrics.ts';
import { createTracerProvider, startSpan } from './spans.ts';

const CLOSE_MS = 1_000;

export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  /** The process: `api` or `engine`. */
  readonly process: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens telemetry; nothing is sent before there is a span or a metric. Exporters read `OTEL_EXPORTER_OTLP_*`
 * themselves, except for the endpoints.
 */
export function openTelemetry({ settings, process: name, clock, logger }: TelemetryOptions): Telemetry {
  const { tracesUrl, metricsUrl, metricsMs, metricsTimeoutMs, batch } = settings;
  const resource = resourceOf(name);
  const drops = new Drops(clock, logger);
  const traces =
    tracesUrl === null
      ? []
      : [
          new BatchSpanProcessor({
            exporter: drops.watch(new OTLPTraceExporter({ url: tracesUrl }), 'traces'),
            ...batch,
          }),
        ];
  const provider = createTracerProvider(settings, resource, traces);
  const tracer = provider.getTracer('metaheac');
  const running = new AsyncLocalStorage<string>();
  return {
    isTracing: tracesUrl !== null,
    start: (span) => startSpan(tracer, clock, span),
    within: (span, work) => running.run(span.traceparent, work),
    current: () => running.getStore() ?? null,
    exportMetrics: (read) => {
      if (metricsUrl === null) return async () => {};
      const reader = new PeriodicExportingMetricReader({
        exporter: drops.watch(new OTLPMetricExporter({ url: metricsUrl }), 'metrics'),
        exportIntervalMillis: metricsMs,
        exportTimeoutMillis: Math.min(metricsTimeoutMs, metricsMs),
        metricProducers: [createMetricProducer(read, clock, logger)],
      });
      const metrics = new MeterProvider({ resource, readers: [reader] });
      return () => soon(metrics.shutdown());
    },
    close: () => soon(provider.shutdown()),
  };
}

/** Waits a short time for `work`, whether or not it succeeds. */
async function soon(work: Promise<void>): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
  await Promise.race([work.catch(() => {}), late]);
}

/** `OTEL_SERVICE_NAME` takes precedence over `OTEL_RESOURCE_ATTRIBUTES`, and both over the given name. */
function resourceOf(name: string): Resource {
  const own = resourceFromAttributes({
    'service.name': 'metaheac',
    // not the process id, which may be the same in two containers
    'service.instance.id': `${name}-${randomUUID()}`,
  });
  const ofEnvironment = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
  const ofProcess = resourceFromAttributes({ 'process.pid': process.pid, 'metaheac.process': name });
  return defaultResource().merge(own).merge(ofEnvironment).merge(ofProcess);
}
