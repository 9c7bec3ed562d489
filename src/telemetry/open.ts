/** Telemetry of one process over OTLP: traces, and the metrics that /metrics shows. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import type { Telemetry } from '../lib/tracing.ts';
import { metricsOf } from './metrics.ts';
import { keyValues, OtlpSender } from './otlp.ts';
import { SpanQueue } from './spans.ts';

export interface TelemetryOptions {
  /** Base URL of a receiver of OTLP over HTTP: `/v1/traces` and `/v1/metrics` are added. */
  readonly endpoint: string;
  /** The process: `api` or `engine`. */
  readonly process: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens it; nothing is sent before there is a span or a metric. */
export function openTelemetry({ endpoint, process: name, clock, logger }: TelemetryOptions): Telemetry {
  const resource = {
    attributes: keyValues({
      'service.name': 'metaheac',
      // not by process id: in two containers both may have the same
      'service.instance.id': `${name}-${randomUUID()}`,
      'process.pid': process.pid,
      'metaheac.process': name,
    }),
  };
  const sender = new OtlpSender(endpoint, clock, logger);
  const spans = new SpanQueue(clock, (batch) =>
    sender.send('traces', {
      resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'metaheac' }, spans: batch }] }],
    }),
  );
  const running = new AsyncLocalStorage<string>();
  const startedAt = clock.now();
  let timer: NodeJS.Timeout | null = null;
  let sending = false;
  const sendMetrics = async (read: () => Promise<string>) => {
    if (sending) return;
    sending = true;
    try {
      const metrics = metricsOf(await read(), startedAt, Math.max(startedAt, clock.now()));
      const scopeMetrics = [{ scope: { name: 'metaheac' }, metrics }];
      await sender.send('metrics', { resourceMetrics: [{ resource, scopeMetrics }] });
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'metrics could not be read for their export');
    } finally {
      sending = false;
    }
  };
  return {
    start: (span) => spans.start(span),
    within: (span, work) => running.run(span.traceparent, work),
    current: () => running.getStore() ?? null,
    exportMetrics: (read, everyMs) => {
      timer = setInterval(() => void sendMetrics(read), everyMs);
      timer.unref();
    },
    close: async () => {
      if (timer !== null) clearInterval(timer);
      await spans.close();
    },
  };
}
