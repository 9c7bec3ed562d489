/** Exports a process's traces and the metrics of `/metrics` over OTLP, with OpenTelemetry's SDK. */
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
  /** The name of the process: `api` or `engine`. */
  readonly process: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens telemetry. Nothing is sent before there is a span or a metric. The exporters themselves read the variables
 * `OTEL_EXPORTER_OTLP_*`, except for the endpoints.
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

/** Waits a short time for `work`, and ignores its outcome. */
async function soon(work: Promise<void>): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
  await Promise.race([work.catch(() => {}), late]);
}

/**
 * The resource of the process. `OTEL_SERVICE_NAME` takes precedence over `OTEL_RESOURCE_ATTRIBUTES`, which takes
 * precedence over the given name.
 */
function resourceOf(name: string): Resource {
  const own = resourceFromAttributes({
    'service.name': 'metaheac',
    // a process id would not be unique, because two containers may use the same process id
    'service.instance.id': `${name}-${randomUUID()}`,
  });
  const ofEnvironment = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
  const ofProcess = resourceFromAttributes({ 'process.pid': process.pid, 'metaheac.process': name });
  return defaultResource().merge(own).merge(ofEnvironment).merge(ofProcess);
}
