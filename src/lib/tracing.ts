/**
 * Traces, as the parts of the service make them: who exports them is src/lib/telemetry, which is loaded where an
 * endpoint was given. Between processes, and in what is stored, a span is its W3C `traceparent`.
 */

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface SpanStart {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'consumer';
  /** The span that caused it; a new trace begins without one, or where it is no traceparent. */
  readonly parent?: string | null;
  /** Without user ids, keys and URLs. */
  readonly attributes?: Attributes;
  /** Milliseconds since 1970; now by default. */
  readonly at?: number;
}

export interface Span {
  /** The identifier that child spans give as their parent. */
  readonly traceparent: string;
  /** Queues it for export; `error` says that it failed, and why. The first call counts. */
  end(how?: { readonly attributes?: Attributes; readonly error?: string | null }): void;
}

export interface Tracer {
  start(span: SpanStart): Span;
}

/** A metric as prom-client tells it: a histogram has a value for each bucket, which counts all below it too. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge` or `histogram`. */
  readonly type: string;
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number | undefined>>;
    readonly value: number;
    /** For a histogram, the name with `_bucket`, `_sum` or `_count`. */
    readonly metricName?: string;
  }[];
}

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** What is exported, where to and how: plain data, as an engine gets it in a message. */
export interface TelemetrySettings {
  /** Where OTLP over HTTP is taken; null: no spans are made. */
  readonly tracesUrl: string | null;
  /** null: no metrics are exported. */
  readonly metricsUrl: string | null;
  readonly sampler: (typeof SAMPLERS)[number];
  /** The share of traces that the ratio samplers take. */
  readonly samplerRatio: number;
  /** Limits of the queue of spans to export. */
  readonly batch: {
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
    readonly scheduledDelayMillis: number;
    readonly exportTimeoutMillis: number;
  };
  /** Milliseconds between two exports of all metrics, and those that one may take. */
  readonly metricsMs: number;
  readonly metricsTimeoutMs: number;
}

/** Never throws, whatever the receiver does; what it does not take is dropped and counted in the log. */
export interface Telemetry extends Tracer {
  /** Whether spans are exported; if not, none are created. */
  readonly isTracing: boolean;
  /** Runs `work`, and what it awaits, as caused by this span. */
  within<T>(span: Span, work: () => T): T;
  /** The traceparent of the span that runs. */
  current(): string | null;
  /** Exports on a schedule what `read` returns, until the function that it returns does so for the last time. */
  exportMetrics(read: () => Promise<readonly MetricFamily[]>): () => Promise<void>;
  /** Sends spans that are queued, for a second at most. */
  close(): Promise<void>;
}

/** The parts of a traceparent. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether its sender records the trace. */
  readonly isSampled: boolean;
}

/** null where it is none of version 00, or its ids are zeros, which the standard forbids. */
export function parseTraceparent(text: unknown): TraceParent | null {
  if (typeof text !== 'string') return null;
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** For log lines: nothing without a trace. */
export function traceFields(traceparent: string | null | undefined): { readonly trace_id?: string } {
  const found = parseTraceparent(traceparent);
  return found === null ? {} : { trace_id: found.traceId };
}
