/** Sends due deliveries to webhooks and destinations in the background. */
import { setMaxListeners } from 'node:events';
import { type Leadership, SOLE_LEADER } from '../../domain/ports/leader.ts';
import type { Outbox } from '../../domain/ports/outbox.ts';
import type { Attempt, DueDelivery } from '../../domain/webhook-types.ts';
import { assert, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';
import { type Span, type Tracer, traceFields } from '../../lib/tracing.ts';
import type { DestinationWriter } from '../destinations/destination-writer.ts';
import type { Limits } from '../limits.ts';
import type { AttemptCounts, WebhookService } from '../ports/webhooks.ts';
import type { AddressGuard } from './address-guard.ts';
import { type PostResult, post } from './deliver.ts';
import type { DeliveryLimits } from './limits.ts';
import { nextAttemptAt, retryAfterTime } from './retries.ts';
import { signedHeaders } from './signature.ts';

/** Interval between removals of old deliveries. */
const PRUNE_EVERY_MS = 3_600_000;
/**
 * Pause if the outcome of an attempt could not be recorded. Without the pause, the same delivery would be sent over and
 * over.
 */
const TROUBLE_PAUSE_MS = 30_000;

export interface DispatcherOptions {
  readonly outbox: Outbox;
  /** Only the leader sends. By default, this process leads. */
  readonly leadership?: Leadership;
  readonly guard: AddressGuard;
  /** Makes attempts to deliver to destinations; required if there are any. */
  readonly destinations?: Pick<DestinationWriter, 'deliver'>;
  readonly logger: Logger;
  readonly clock: ServiceClock;
  /** Makes a span for each attempt; the receiver gets the span's context in `traceparent`. */
  readonly tracer?: Tracer | null;
  readonly config: DeliveryLimits & Pick<Limits, 'closeGraceMs' | 'webhookRetryMs' | 'webhookRetentionMs'>;
}

/**
 * Delivers each event at least once. An attempt counts when its outcome is recorded. If the process dies or stops
 * before that, the attempt is repeated with the same webhook-id and body. Deliveries in flight are known only in
 * memory, so of all dispatchers of a store only the leader's sends. If leadership moves during an attempt, the outcome
 * is not recorded, and the next leader repeats the attempt. The number of concurrent calls is limited per webhook
 * (`webhookParallelCalls`), so a receiver that does not respond does not delay other webhooks.
 */
export class WebhookDispatcher implements WebhookService {
  readonly guard: AddressGuard;
  readonly #options: DispatcherOptions;
  readonly #leadership: Leadership;
  readonly #counts = { delivered: 0, retried: 0, failed: 0 };
  /** Attempts in flight, by id of the delivery. */
  readonly #calls = new Map<string, { readonly webhookId: string; readonly done: Promise<void> }>();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #prunedAt = Number.NEGATIVE_INFINITY;
  /** End of the pause, in the time of `clock.elapsed`. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #isWoken = false;
  #isPolling = false;
  #polling: Promise<void> = Promise.resolve();
  /**
   * Deliveries whose attempts ended while due deliveries were being read, so the data read about these deliveries may
   * be outdated.
   */
  readonly #ended = new Set<string>();

  constructor(options: DispatcherOptions) {
    this.guard = options.guard;
    this.#options = options;
    this.#leadership = options.leadership ?? SOLE_LEADER;
    // each call adds an abort listener, and the number of calls is bounded
    setMaxListeners(0, this.#abort.signal);
  }

  start(): void {
    this.#leadership.onLead(() => this.wake());
    this.#timer = setInterval(() => this.wake(), this.#options.config.webhookPollMs);
    this.wake();
  }

  /** Checks for due deliveries at once, or again if a check is under way. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isPolling) this.#polling = this.#poll();
  }

  /** Polling continues after any error, because deliveries that cannot be read or written now stay due. */
  async #poll(): Promise<void> {
    this.#isPolling = true;
    while (this.#isWoken && !this.#isStopped && this.#options.clock.elapsed() >= this.#pausedUntil) {
      this.#isWoken = false;
      try {
        await this.#leadership.lead(async () => {
          await this.#prune();
          await this.#sendDue();
        });
      } catch (error) {
        this.#pause(error);
      }
    }
    this.#isPolling = false;
  }

  counts(): AttemptCounts {
    return this.#counts;
  }

  /**
   * Stops sending. Attempts in flight get `closeGraceMs` to complete; aborted attempts are repeated after the next
   * start.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    const cut = setTimeout(() => this.#abort.abort(), this.#options.config.closeGraceMs);
    await this.#polling;
    await Promise.all([...this.#calls.values()].map(({ done }) => done));
    clearTimeout(cut);
  }

  async #sendDue(): Promise<void> {
    const { outbox, clock, config } = this.#options;
    const most = config.webhookParallelCalls;
    // twice as many deliveries are read, because deliveries in flight are still due
    this.#ended.clear();
    const due = await outbox.due(clock.now(), 2 * most);
    if (this.#isStopped) return;
    for (const delivery of due) {
      if (this.#ended.has(delivery.id)) continue;
      const calls = [...this.#calls.values()].filter(({ webhookId }) => webhookId === delivery.webhookId);
      // a destination receives one version after another, so that each delta finds the previous version
      if (calls.length >= (delivery.destination === null ? most : 1) || this.#calls.has(delivery.id)) continue;
      const done = this.#attempt(delivery)
        .catch((error) => this.#pause(error))
        .finally(() => {
          this.#calls.delete(delivery.id);
          this.#ended.add(delivery.id);
          this.wake();
        });
      this.#calls.set(delivery.id, { webhookId: delivery.webhookId, done });
    }
  }

  async #attempt(delivery: DueDelivery): Promise<void> {
    const { outbox, clock } = this.#options;
    const start = clock.elapsed();
    const ageMs = clock.now() - delivery.createdAt;
    const span = this.#startSpan(delivery);
    const result = delivery.destination === null ? await this.#post(delivery, span) : await this.#write(delivery);
    endSpan(span, result);
    if (result.error === 'aborted') return;
    const [now, durationMs] = [clock.now(), clock.elapsed() - start];
    // recomputed, because a step of the clock during the call has also moved the stored time
    const createdAt = Math.round(now - durationMs - ageMs);
    const attempt = { ...result, durationMs, ...this.#outcomeOf({ ...delivery, createdAt }, result, now) };
    if ((await this.#leadership.lead(() => outbox.record(delivery, attempt, now))) !== true) return;
    const outcome = attempt.state === 'pending' ? 'retried' : attempt.state;
    this.#counts[outcome] += 1;
    this.#log(delivery, attempt, outcome);
  }

  #startSpan({ type, traceparent: parent, webhookId, id, attempts }: DueDelivery): Span | null {
    const attributes = { 'metaheac.webhook': webhookId, 'metaheac.delivery': id, 'metaheac.attempt': attempts + 1 };
    return this.#options.tracer?.start({ name: `webhook ${type}`, kind: 'client', parent, attributes }) ?? null;
  }

  async #post({ url, eventId, body, secrets }: DueDelivery, span: Span | null): Promise<PostResult> {
    const { guard, clock, config } = this.#options;
    let checked: URL;
    try {
      // the URL is checked again, because the allowed hosts may have changed
      checked = guard.checkTarget(url);
    } catch {
      return { status: null, error: 'webhook_url_refused', retryAfter: null };
    }
    const trace: Record<string, string> = span === null ? {} : { traceparent: span.traceparent };
    return post(checked, { ...signedHeaders(eventId, body, secrets, clock.wall()), ...trace }, body, {
      lookup: guard.lookup,
      timeoutMs: config.webhookTimeoutMs,
      answerBytes: config.webhookAnswerBytes,
      signal: this.#abort.signal,
    });
  }

  #write({ destination, body }: DueDelivery): Promise<PostResult> {
    const { destinations } = this.#options;
    assert(destinations !== undefined && destination !== null, 'nothing writes to destinations');
    return destinations.deliver(destination, body, this.#abort.signal);
  }

  #outcomeOf(
    delivery: DueDelivery,
    { status, error, retryAfter, isFinal = false }: PostResult,
    now: number,
  ): Pick<Attempt, 'state' | 'nextAttemptAt' | 'isGone'> {
    if (isTaken(status, error)) return { state: 'delivered', nextAttemptAt: null, isGone: false };
    const isGone = status === 410;
    const next =
      isGone || isFinal
        ? null
        : nextAttemptAt(
            delivery,
            delivery.attempts + 1,
            now,
            this.#options.config.webhookRetryMs,
            retryAfterTime(retryAfter, now, this.#options.clock.wall()),
          );
    return { state: next === null ? 'failed' : 'pending', nextAttemptAt: next, isGone };
  }

  async #prune(): Promise<void> {
    const { outbox, clock, config } = this.#options;
    const now = clock.elapsed();
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    await outbox.failStranded(clock.now() - config.webhookRetryMs);
    const before = clock.before(config.webhookRetentionMs);
    // a later poll prunes again if the clock has jumped, or if more old deliveries remain
    if (before !== null && !(await outbox.prune(before))) this.#prunedAt = now;
  }

  /** Logs an attempt without the URL, which often contains a secret of the receiver. */
  #log(delivery: DueDelivery, attempt: Attempt, outcome: keyof AttemptCounts): void {
    const { webhookId, id, eventId, type, attempts } = delivery;
    const { status, error, durationMs, isGone } = attempt;
    const line = {
      webhook: webhookId,
      delivery: id,
      event: eventId,
      type,
      outcome,
      attempt: attempts + 1,
      ms: Math.round(durationMs),
      ...namesIn(delivery.body),
      ...traceFields(delivery.traceparent),
      ...(status === null ? {} : { status }),
      ...(error === null ? {} : { error }),
    };
    if (outcome === 'failed')
      this.#options.logger.warn(
        line,
        isGone ? 'the receiver of a webhook is gone (410), so the webhook is disabled' : 'webhook failed',
      );
    else this.#options.logger.info(line, 'webhook');
  }

  #pause(error: unknown): void {
    this.#pausedUntil = this.#options.clock.elapsed() + TROUBLE_PAUSE_MS;
    this.#options.logger.error({ error: messageOf(error) }, 'webhooks could not be sent or recorded');
  }
}

/** Whether an attempt succeeded. An attempt with neither a status nor an error wrote files. */
function isTaken(status: number | null, error: string | null): boolean {
  return error === null && (status === null || (status >= 200 && status < 300));
}

function endSpan(span: Span | null, { status, error }: PostResult): void {
  const attributes = { 'http.response.status_code': status, 'error.type': error };
  span?.end({ attributes, error: isTaken(status, error) ? null : (error ?? `status ${status}`) });
}

/** Log fields for the campaign and the expansion of an event. */
function namesIn(body: string): { readonly campaign?: string; readonly expansion?: string } {
  const { data } = JSON.parse(body) as { readonly data: { campaign_id?: string; expansion_id?: string } };
  const { campaign_id: campaign, expansion_id: expansion } = data;
  return { ...(campaign !== undefined && { campaign }), ...(expansion !== undefined && { expansion }) };
}
