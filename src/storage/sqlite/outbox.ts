/** Implements the outbox port with SQLite. Times are milliseconds since 1970. */

import { deliveryNotFound } from '../../domain/not-found.ts';
import type { Outbox } from '../../domain/ports/outbox.ts';
import type { IdempotentRequest, Page } from '../../domain/types.ts';
import type { Attempt, Delivery, DeliveryQuery, DueDelivery } from '../../domain/webhook-types.ts';
import { decideAttempt, requireEnabled } from '../../domain/webhooks.ts';
import { boundsOf, plain, type RowOf, selectList } from '../rows/columns.ts';
import { type AttemptedRow, deliveryColumns } from '../rows/webhooks.ts';
import { pageOf, updateRow } from './database/columns.ts';
import { deleteRows, type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import { type Database, write } from './database/database.ts';
import type { EventLog } from './events.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import type { Synchronous } from './promised.ts';
import { getWebhookRow } from './webhooks.ts';

/**
 * Maximum number of rows that one call of `prune` removes from each table, so that it holds the write lock only
 * briefly.
 */
const PRUNED_ROWS = 1000;

const COLUMNS = deliveryColumns(
  plain("CASE WHEN json_valid(e.body) THEN json_extract(e.body, '$.data.campaign_id') END"),
);

type DeliveryRow = RowOf<typeof COLUMNS>;

const SELECT_DELIVERY = `
  SELECT ${selectList(COLUMNS)}
  FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event`;

export class SqliteOutbox implements Synchronous<Outbox> {
  readonly #database: Database;
  readonly #events: EventLog;

  constructor(database: Database, events: EventLog) {
    this.#database = database;
    this.#events = events;
  }

  ping(webhookId: string, now: number, once?: IdempotentRequest<Delivery>): Delivery {
    return write(this.#database, () => {
      const webhook = this.#enabledWebhook(webhookId);
      const event = this.#events.insertEvent('webhook.ping', { webhook_id: webhookId }, now);
      return this.#queue(webhook, event, null, now, once);
    });
  }

  replay(webhookId: string, deliveryId: string, now: number, once?: IdempotentRequest<Delivery>): Delivery {
    return write(this.#database, () => {
      const { number } = getWebhookRow(this.#database, webhookId);
      const { event } = this.#getDelivery(number, deliveryId);
      const webhook = this.#enabledWebhook(webhookId);
      return this.#queue(webhook, event, deliveryId, now, once);
    });
  }

  deliveries(webhookId: string, query: DeliveryQuery): Page<Delivery> {
    const { number: webhook } = getWebhookRow(this.#database, webhookId);
    const byState = query.state === undefined ? '' : 'AND d.state = @state';
    const rows = this.#database
      .prepare(
        `${SELECT_DELIVERY} WHERE d.webhook = @webhook AND d.number < @before ${byState}
         ORDER BY d.number DESC LIMIT @most`,
      )
      .all({ webhook, ...boundsOf('deliveries', query), state: query.state ?? null }) as DeliveryRow[];
    return pageOf(this.#database, 'deliveries', rows, query.limit, referencesOf, toDelivery);
  }

  due(now: number, perWebhook: number): DueDelivery[] {
    const webhooks = this.#database.prepare('SELECT number, id, url FROM webhooks WHERE enabled = 1').all() as {
      number: number;
      id: string;
      url: string;
    }[];
    const select = this.#database.prepare(
      `SELECT d.id, d.attempts, d.created_at AS createdAt, e.id AS eventId, e.type, e.body, e.traceparent
       FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event
       WHERE d.webhook = @number AND d.state = 'pending' AND d.next_attempt_at <= @now
       ORDER BY d.next_attempt_at, d.number LIMIT @perWebhook`,
    );
    return webhooks.flatMap(({ number, id: webhookId, url }) => {
      const rows = select.all({ number, now, perWebhook }) as Omit<DueDelivery, 'webhookId' | 'url' | 'secrets'>[];
      if (rows.length === 0) return [];
      const secrets = this.#secretsOf(number, now);
      return rows.map((row) => ({ ...row, webhookId, url, secrets }));
    });
  }

  record(delivery: DueDelivery, attempt: Attempt, now: number): boolean {
    return write(this.#database, () => {
      const row = this.#database
        .prepare(
          `SELECT d.number, d.state, d.attempts, w.number AS webhook, w.url, w.enabled
           FROM webhooks w LEFT JOIN webhook_deliveries d ON d.webhook = w.number AND d.id = @id
           WHERE w.id = @webhookId`,
        )
        .get({ id: delivery.id, webhookId: delivery.webhookId }) as AttemptedRow<0 | 1> | undefined;
      if (row === undefined) return false;
      const { isRecorded, disables } = decideAttempt(row, {
        url: delivery.url,
        attempts: delivery.attempts,
        ...attempt,
      });
      if (isRecorded)
        updateRow(this.#database, 'webhook_deliveries', row.number!, {
          ...{ state: attempt.state, attempts: row.attempts! + 1, next_attempt_at: attempt.nextAttemptAt },
          ...{ last_attempt_at: now, last_status: attempt.status, last_error: attempt.error },
          last_duration_ms: attempt.durationMs,
        });
      if (disables)
        updateRow(this.#database, 'webhooks', row.webhook, { enabled: 0, disabled_reason: 'gone', updated_at: now });
      return isRecorded;
    });
  }

  failStranded(before: number): number {
    return write(
      this.#database,
      () =>
        this.#database
          .prepare(
            `UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL, last_error = 'webhook_disabled'
             WHERE state = 'pending' AND created_at <= @before
               AND webhook IN (SELECT number FROM webhooks WHERE enabled = 0)`,
          )
          .run({ before }).changes,
    );
  }

  prune(before: number): boolean {
    return write(this.#database, () => {
      const deliveries = deleteRows(
        this.#database,
        'webhook_deliveries',
        `number IN
           (SELECT number FROM webhook_deliveries WHERE state <> 'pending' AND created_at < @before LIMIT @most)`,
        { before, most: PRUNED_ROWS },
      );
      const events = deleteRows(
        this.#database,
        'webhook_events',
        `number IN (SELECT number FROM webhook_events e
           WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event = e.number) LIMIT @most)`,
        { most: PRUNED_ROWS },
      );
      return deliveries === PRUNED_ROWS || events === PRUNED_ROWS;
    });
  }

  pendingCount(): number {
    return this.#database
      .prepare(`SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'`)
      .pluck()
      .get() as number;
  }

  #getDelivery(webhook: number, id: string): { readonly event: number; readonly delivery: Delivery } {
    const row = this.#database
      .prepare(`${SELECT_DELIVERY} WHERE d.webhook = @webhook AND d.id = @id`)
      .get({ webhook, id }) as DeliveryRow | undefined;
    if (row === undefined) throw deliveryNotFound(id);
    refuseDamaged(this.#database, referencesOf(row));
    return { event: row.event, delivery: toDelivery(row) };
  }

  /** Queues a delivery of an event, and stores the response. */
  #queue(
    webhook: number,
    event: number,
    replayOf: string | null,
    now: number,
    once?: IdempotentRequest<Delivery>,
  ): Delivery {
    const { delivery } = this.#getDelivery(webhook, this.#events.insertDelivery(webhook, event, replayOf, now));
    keepAnswerOf(this.#database, once, delivery, OF_NO_CAMPAIGN, now);
    return delivery;
  }

  #enabledWebhook(id: string): number {
    const webhook = getWebhookRow(this.#database, id);
    requireEnabled(webhook);
    return webhook.number;
  }

  #secretsOf(webhook: number, now: number): string[] {
    return this.#database
      .prepare(
        `SELECT secret FROM webhook_secrets WHERE webhook = @webhook AND (expires_at IS NULL OR expires_at > @now)
         ORDER BY rowid DESC`,
      )
      .pluck()
      .all({ webhook, now }) as string[];
  }
}

function referencesOf({ number, event }: DeliveryRow): RowReference[] {
  return [
    ['webhook_deliveries', { number }],
    ['webhook_events', { number: event }],
  ];
}

function toDelivery({ number: _number, event: _event, ...delivery }: DeliveryRow): Delivery {
  return delivery;
}
