/**
 * The interface for traces. src/lib/telemetry, which exports traces, is loaded only if an endpoint is set. Between
 * processes, and in stored data, a span is represented by its W3C `traceparent`.
 */

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface SpanStart {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'consumer';
  /** The traceparent of the span that caused this span. Without a valid traceparent, a new trace begins. */
  readonly parent?: string | null;
  /** Attributes of the span, which must not contain user ids, keys or URLs. */
  readonly attributes?: Attributes;
  /** The start time in milliseconds since 1970; by default, the current time. */
  readonly at?: number;
}

export interface Span {
  /** The identifier that child spans pass as their parent. */
  readonly traceparent: string;
  /**
   * Ends the span and queues it for export. `error` says why the operation failed, if it did. Only the first call has
   * an effect.
   */
  end(how?: { readonly attributes?: Attributes; readonly error?: string | null }): void;
}

export interface Tracer {
  start(span: SpanStart): Span;
}

/** A metric in prom-client's format. A histogram has a value for each bucket, which also counts all lower buckets. */
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

/**
 * Settings of the export: the data, the receivers and the intervals. These settings are plain data that can be sent to
 * an engine in a message.
 */
export interface TelemetrySettings {
  /** The endpoint for traces (OTLP over HTTP); null if no spans are created. */
  readonly tracesUrl: string | null;
  /** The endpoint for metrics (OTLP over HTTP); null if no metrics are exported. */
  readonly metricsUrl: string | null;
  readonly sampler: (typeof SAMPLERS)[number];
  /** The share of traces that the ratio samplers record. */
  readonly samplerRatio: number;
  /** Limits of the queue of spans that wait for export. */
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
 * Exports traces and metrics. Never throws: data that the receiver does not accept is dropped and counted in the log.
 */
export interface Telemetry extends Tracer {
  /** Whether spans are created and exported. */
  readonly isTracing: boolean;
  /** Runs `work` with this span as the current span, including in code that `work` awaits. */
  within<T>(span: Span, work: () => T): T;
  /** The traceparent of the current span; null if there is no current span. */
  current(): string | null;
  /** Exports the result of `read` on a schedule. Returns a function that exports the result one last time. */
  exportMetrics(read: () => Promise<readonly MetricFamily[]>): () => Promise<void>;
  /** Sends queued spans. Takes at most a second. */
  close(): Promise<void>;
}

/** The parts of a traceparent. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the sender of the traceparent records the trace. */
  readonly isSampled: boolean;
}

/**
 * Parses a traceparent. Returns null if the text is not a traceparent of version 00, or if its ids consist of zeros,
 * which the standard forbids.
 */
export function parseTraceparent(text: unknown): TraceParent | null {
  if (typeof text !== 'string') return null;
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Returns the trace fields of a log line; without a trace, an empty object. */
export function traceFields(traceparent: string | null | undefined): { readonly trace_id?: string } {
  const found = parseTraceparent(traceparent);
  return found === null ? {} : { trace_id: found.traceId };
}
