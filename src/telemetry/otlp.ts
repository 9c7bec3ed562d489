/** OTLP over HTTP with JSON: what a receiver of OpenTelemetry takes (opentelemetry-proto 1, "OTLP/HTTP"). */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import type { Attributes } from '../lib/tracing.ts';

/** How long a receiver may take for an answer. */
const SEND_MS = 10_000;
/** A receiver that is gone is told of in the log this often at most. */
const WARN_EVERY_MS = 60_000;

/** An attribute as the protocol has it. */
export interface KeyValue {
  readonly key: string;
  readonly value:
    | { readonly stringValue: string }
    | { readonly intValue: string }
    | { readonly doubleValue: number }
    | { readonly boolValue: boolean };
}

/** Attributes that have a value. */
export function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [{ key, value: typedValue(value) }],
  );
}

function typedValue(value: string | number | boolean): KeyValue['value'] {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Nanoseconds as the protocol's JSON has them: as text, to a quarter of a microsecond. */
export function nanoseconds(ms: number): string {
  return BigInt(Math.round(ms * 1e6)).toString();
}

/** Posts to one receiver. */
export class OtlpSender {
  readonly #base: string;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #logger: Logger;
  #dropped = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(endpoint: string, clock: Pick<Clock, 'elapsed'>, logger: Logger) {
    this.#base = endpoint.replace(/\/+$/, '');
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Never rejects: what is not taken is dropped, as a service must not wait for who watches it. */
  async send(signal: 'traces' | 'metrics', body: object): Promise<void> {
    try {
      const response = await fetch(`${this.#base}/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(SEND_MS),
      });
      await response.arrayBuffer();
      if (!response.ok) this.#drop(signal, `status ${response.status}`);
    } catch (error) {
      this.#drop(signal, reasonOf(error));
    }
  }

  #drop(signal: string, reason: string): void {
    this.#dropped += 1;
    const now = this.#clock.elapsed();
    if (now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#logger.warn({ signal, reason, batches: this.#dropped }, 'telemetry was not taken, and is dropped');
    this.#dropped = 0;
  }
}

/** `fetch` says "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : messageOf(cause);
}
