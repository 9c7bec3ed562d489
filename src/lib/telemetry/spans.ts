/** Spans of OpenTelemetry's tracer, with the times of the service's clock. */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
  type Attributes as WireAttributes,
} from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Clock } from '../clock.ts';
import { type Attributes, parseTraceparent, type Span, type SpanStart, type TelemetrySettings } from '../tracing.ts';

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const;

/** Creates a tracer with its own provider, so nothing is registered or patched globally. */
export function createTracerProvider(
  { sampler, samplerRatio }: Pick<TelemetrySettings, 'sampler' | 'samplerRatio'>,
  resource: Resource,
  spanProcessors: SpanProcessor[],
): TracerProvider {
  return new TracerProvider({ resource, sampler: createSampler(sampler, samplerRatio), spanProcessors });
}

function createSampler(name: TelemetrySettings['sampler'], ratio: number): Sampler {
  const root = createRootSampler(name.replace('parentbased_', ''), ratio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function createRootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler();
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler();
}

/**
 * Starts a span. A span that the sampler leaves out also has a traceparent, which tells child spans that they are left
 * out too.
 */
export function startSpan(tracer: Tracer, clock: Clock, { name, kind, parent, attributes = {}, at }: SpanStart): Span {
  const start = clock.elapsed();
  const startedAt = at ?? clock.now();
  // a span that started in the past still ends when `end` is called
  const agoMs = at === undefined ? 0 : Math.max(0, clock.now() - at);
  const span = tracer.startSpan(
    name,
    { kind: KINDS[kind], attributes: given(attributes), startTime: millisToHrTime(startedAt) },
    contextOf(parent),
  );
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-0${traceFlags}`,
    end: ({ attributes: found = {}, error = null } = {}) => {
      if (!span.isRecording()) return;
      span.setAttributes(given(found));
      if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end(millisToHrTime(startedAt + agoMs + clock.elapsed() - start));
    },
  };
}

function contextOf(parent: string | null | undefined) {
  const above = parseTraceparent(parent);
  if (above === null) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = above;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: isSampled ? 1 : 0, isRemote: true });
}

/** Returns only the attributes that have a value. */
function given(attributes: Attributes): WireAttributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined),
  ) as WireAttributes;
}
