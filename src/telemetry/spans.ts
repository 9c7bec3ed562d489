/** Spans: made, and sent in batches. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { parseTraceparent, type Span, type SpanStart, type Tracer } from '../lib/tracing.ts';
import { type KeyValue, keyValues, nanoseconds } from './otlp.ts';

/** How long a span waits for others at most. */
const SEND_EVERY_MS = 1_000;
/** Spans of one message. */
const BATCH_SPANS = 512;
/** Spans that wait while a receiver is slow; more are dropped. */
const QUEUED_SPANS = 8_192;
const CLOSE_MS = 1_000;

const KINDS = { internal: 1, server: 2, client: 3, consumer: 5 } as const;
const ERROR_STATUS = 2;

/** A span as the protocol has it. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status?: { readonly code: number; readonly message: string };
}

export class SpanQueue implements Tracer {
  readonly #clock: Clock;
  readonly #send: (batch: readonly OtlpSpan[]) => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #queue: OtlpSpan[] = [];
  #sending: Promise<void> | null = null;

  constructor(clock: Clock, send: (batch: readonly OtlpSpan[]) => Promise<void>) {
    this.#clock = clock;
    this.#send = send;
    this.#timer = setInterval(() => void this.#flush(), SEND_EVERY_MS);
    this.#timer.unref();
  }

  start({ name, kind, parent, attributes = {}, at }: SpanStart): Span {
    const above = parseTraceparent(parent);
    const traceId = above?.traceId ?? randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const start = this.#clock.elapsed();
    const startedAt = at ?? this.#clock.now();
    // a span that is told of afterwards ends now
    const agoMs = at === undefined ? 0 : Math.max(0, this.#clock.now() - at);
    let isEnded = false;
    return {
      traceparent: `00-${traceId}-${spanId}-01`,
      end: ({ attributes: found = {}, error = null } = {}) => {
        if (isEnded) return;
        isEnded = true;
        this.#add({
          ...{ traceId, spanId, name, kind: KINDS[kind] },
          ...(above === null ? {} : { parentSpanId: above.spanId }),
          startTimeUnixNano: nanoseconds(startedAt),
          endTimeUnixNano: nanoseconds(startedAt + agoMs + this.#clock.elapsed() - start),
          attributes: keyValues({ ...attributes, ...found }),
          ...(error === null ? {} : { status: { code: ERROR_STATUS, message: error } }),
        });
      },
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([this.#flush(), late]);
  }

  #add(span: OtlpSpan): void {
    if (this.#queue.length < QUEUED_SPANS) this.#queue.push(span);
  }

  /** Sends all that waits, a batch at a time, and what is added meanwhile. */
  async #flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) await this.#send(this.#queue.splice(0, BATCH_SPANS));
  }
}
