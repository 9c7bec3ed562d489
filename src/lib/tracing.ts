/**
 * Traces in the form that the parts of the service use. src/lib/telemetry exports them, and is loaded if an endpoint is
 * set. Between processes, and in stored data, a span is its W3C `traceparent`.
 */

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface SpanStart {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'consumer';
  /** The span that caused this one; without it, or if it is not a traceparent, a new trace begins. */
  readonly parent?: string | null;
  /** Must not contain user ids, keys or URLs. */
  readonly attributes?: Attributes;
  /** Milliseconds since 1970; now by default. */
  readonly at?: number;
}

export interface Span {
  /** The identifier that child spans pass as their parent. */
  readonly traceparent: string;
  /** Queues the span for export; `error` says that it failed, and why. Only the first call counts. */
  end(how?: { readonly attributes?: Attributes; readonly error?: string | null }): void;
}

export interface Tracer {
  start(span: SpanStart): Span;
}

/** A metric in prom-client's form: a histogram has a value for each bucket, which also counts all below it. */
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

/** What to export, where to and how: plain data, sent to an engine in a message. */
export interface TelemetrySettings {
  /** The endpoint for OTLP over HTTP; null: no spans are made. */
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
  /** Milliseconds between two exports of all metrics, and the timeout of an export. */
  readonly metricsMs: number;
  readonly metricsTimeoutMs: number;
}

/**
 * Never throws, whatever the receiver does; data that the receiver does not accept is dropped and counted in the log.
 */
export interface Telemetry extends Tracer {
  /** Whether spans are exported; if not, none are created. */
  readonly isTracing: boolean;
  /** Runs `work`, and whatever it awaits, as caused by this span. */
  within<T>(span: Span, work: () => T): T;
  /** The traceparent of the running span. */
  current(): string | null;
  /** Exports the result of `read` on a schedule; the returned function exports it for the last time. */
  exportMetrics(read: () => Promise<readonly MetricFamily[]>): () => Promise<void>;
  /** Sends queued spans, for at most a second. */
  close(): Promise<void>;
}

/** The parts of a traceparent. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether its sender records the trace. */
  readonly isSampled: boolean;
}

/** null if it is not a traceparent of version 00, or its ids are zeros, which the standard forbids. */
export function parseTraceparent(text: unknown): TraceParent | null {
  if (typeof text !== 'string') return null;
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Fields for log lines; empty without a trace. */
export function traceFields(traceparent: string | null | undefined): { readonly trace_id?: string } {
  const found = parseTraceparent(traceparent);
  return found === null ? {} : { trace_id: found.traceId };
}
