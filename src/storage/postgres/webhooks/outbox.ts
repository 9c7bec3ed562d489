/** Implements the outbox port with Postgres. Times are milliseconds since 1970. */
import { deliveryNotFound } from '../../../domain/not-found.ts';
import type { Outbox } from '../../../domain/ports/outbox.ts';
import type { IdempotentRequest, Page } from '../../../domain/types.ts';
import type { Attempt, Delivery, DeliveryQuery, DeliveryState, DueDelivery } from '../../../domain/webhook-types.ts';
import { decideAttempt, requireEnabled } from '../../../domain/webhooks.ts';
import { boundsOf, type RowOf, readRow, selectList } from '../../rows/columns.ts';
import { type AttemptedRow, deliveryColumns } from '../../rows/webhooks.ts';
import type { EventLog } from '../campaigns/events.ts';
import type { Connection } from '../connection.ts';
import { pageOf, updateRow } from '../database/columns.ts';
import type { Database, Sql, Transaction } from '../database/database.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from '../idempotency.ts';
import { SenderLocks } from './sender-locks.ts';
import { getWebhookRow, NEWEST_FIRST } from './webhooks.ts';

/** Maximum number of rows that one statement removes or changes. Other processes wait for them meanwhile. */
const CHANGED_ROWS = 1000;

/** A state in the text, and not as a value, lets a short list use an index of that state alone. */
const IN_STATE: Readonly<Record<DeliveryState, string>> = {
  pending: `AND d.state = 'pending'`,
  delivered: `AND d.state = 'delivered'`,
  failed: `AND d.state = 'failed'`,
};

// functions of Postgres for JSON refuse some texts that a campaign's name may contain
const COLUMNS = deliveryColumns({ sql: 'e.body', read: (body) => campaignOf(body as string) });

function campaignOf(body: string): string | null {
  return (JSON.parse(body) as { readonly data: { readonly campaign_id?: string } }).data.campaign_id ?? null;
}

type DeliveryRow = RowOf<typeof COLUMNS>;

const SELECT_DELIVERY = `
  SELECT ${selectList(COLUMNS)}
  FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event`;

export class PostgresOutbox implements Outbox {
  readonly #database: Database;
  readonly #events: EventLog;
  readonly #locks: SenderLocks;
  #reading: Promise<unknown> = Promise.resolve();

  constructor({ database }: Connection, events: EventLog) {
    this.#database = database;
    this.#events = events;
    this.#locks = new SenderLocks(database);
  }

  async ping(webhookId: string, now: number, once?: IdempotentRequest<Delivery>): Promise<Delivery> {
    return this.#database.write(async (transaction) => {
      const webhook = await enabledWebhook(transaction, webhookId);
      const event = await this.#events.insertEvent(transaction, 'webhook.ping', { webhook_id: webhookId }, now);
      return this.#queue(transaction, { webhook, event, replayOf: null }, now, once);
    });
  }

  async replay(
    webhookId: string,
    deliveryId: string,
    now: number,
    once?: IdempotentRequest<Delivery>,
  ): Promise<Delivery> {
    return this.#database.write(async (transaction) => {
      const { number } = await getWebhookRow(transaction, webhookId);
      const { event } = await getDelivery(transaction, number, deliveryId);
      const webhook = await enabledWebhook(transaction, webhookId);
      return this.#queue(transaction, { webhook, event, replayOf: deliveryId }, now, once);
    });
  }

  async deliveries(webhookId: string, query: DeliveryQuery): Promise<Page<Delivery>> {
    const { number: webhook } = await getWebhookRow(this.#database, webhookId);
    const byState = query.state === undefined ? '' : IN_STATE[query.state];
    const rows = await this.#database.all<DeliveryRow>(
      `${SELECT_DELIVERY} WHERE d.webhook = @webhook AND d.number < @before ${byState}
       ORDER BY d.number DESC LIMIT @most`,
      { webhook, ...boundsOf('deliveries', query) },
    );
    return pageOf('deliveries', rows, query.limit, (row) => toDelivery(readRow(COLUMNS, row)));
  }

  /**
   * Returns nothing for a webhook to which another process is sending. The lock of a webhook is held as long as
   * something is due, which includes what this process is sending.
   */
  async due(now: number, perWebhook: number): Promise<DueDelivery[]> {
    const read = this.#reading.catch(() => {}).then(() => this.#due(now, perWebhook));
    this.#reading = read;
    return read;
  }

  async record(delivery: DueDelivery, attempt: Attempt, now: number): Promise<boolean> {
    return this.#database.write(async (transaction) => {
      const row = await transaction.get<AttemptedRow<boolean>>(
        `SELECT d.number, d.state, d.attempts, w.number AS webhook, w.url, w.enabled
         FROM webhooks w LEFT JOIN webhook_deliveries d ON d.webhook = w.number AND d.id = @id
         WHERE w.id = @webhookId`,
        { id: delivery.id, webhookId: delivery.webhookId },
      );
      if (row === undefined) return false;
      const read = { url: delivery.url, attempts: delivery.attempts };
      const { isRecorded, disables } = decideAttempt(row, { ...attempt, ...read });
      if (isRecorded)
        await updateRow(transaction, 'webhook_deliveries', row.number!, {
          ...{ state: attempt.state, attempts: row.attempts! + 1, next_attempt_at: attempt.nextAttemptAt },
          ...{ last_attempt_at: now, last_status: attempt.status, last_error: attempt.error },
          last_duration_ms: attempt.durationMs,
        });
      if (disables)
        await updateRow(transaction, 'webhooks', row.webhook, {
          ...{ enabled: false, disabled_reason: 'gone', updated_at: now },
        });
      return isRecorded;
    });
  }

  async failStranded(before: number): Promise<number> {
    let failed = 0;
    for (let some = CHANGED_ROWS; some === CHANGED_ROWS; failed += some)
      some = await this.#database.run(
        `UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL, last_error = 'webhook_disabled'
         WHERE number IN (
           SELECT number FROM webhook_deliveries
           WHERE state = 'pending' AND created_at <= @before
             AND webhook IN (SELECT number FROM webhooks WHERE NOT enabled) LIMIT @most)`,
        { before, most: CHANGED_ROWS },
      );
    return failed;
  }

  async prune(before: number): Promise<boolean> {
    const deliveries = await this.#database.run(
      `DELETE FROM webhook_deliveries WHERE number IN
         (SELECT number FROM webhook_deliveries WHERE state <> 'pending' AND created_at < @before LIMIT @most)`,
      { before, most: CHANGED_ROWS },
    );
    // a replay may be queueing a delivery of an event that has none now, and then keeps the event
    const events = await this.#database.write((transaction) =>
      transaction.run(
        `DELETE FROM webhook_events WHERE number IN (SELECT number FROM webhook_events e
           WHERE e.created_at < @before AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event = e.number)
           ORDER BY e.created_at LIMIT @most)`,
        { before, most: CHANGED_ROWS },
      ),
    );
    return deliveries === CHANGED_ROWS || events === CHANGED_ROWS;
  }

  async pendingCount(): Promise<number> {
    const sql = `SELECT count(*) AS count FROM webhook_deliveries WHERE state = 'pending'`;
    return (await this.#database.get<{ readonly count: number }>(sql))!.count;
  }

  /** Lets other processes send. */
  close(): Promise<void> {
    return this.#locks.close();
  }

  async #due(now: number, perWebhook: number): Promise<DueDelivery[]> {
    const waiting = await this.#database.all<{ readonly number: number; readonly enabled: boolean }>(
      `SELECT w.number, w.enabled FROM webhooks w WHERE EXISTS (
         SELECT 1 FROM webhook_deliveries d
         WHERE d.webhook = w.number AND d.state = 'pending' AND d.next_attempt_at <= @now)`,
      { now },
    );
    const enabled = waiting.filter((webhook) => webhook.enabled).map(({ number }) => number);
    const held = await this.#locks.hold(
      enabled,
      waiting.map(({ number }) => number),
    );
    if (held.size === 0) return [];
    // read after the locks were taken, so it shows what others recorded before they gave the locks back
    const rows = await this.#database.all<Omit<DueDelivery, 'secrets'> & { readonly webhook: number }>(
      `SELECT w.number AS webhook, w.id AS "webhookId", w.url, d.*
       FROM webhooks w CROSS JOIN LATERAL (
         SELECT d.id, d.attempts, d.created_at AS "createdAt", e.id AS "eventId", e.type, e.body, e.traceparent,
           d.next_attempt_at AS next, d.number AS place
         FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event
         WHERE d.webhook = w.number AND d.state = 'pending' AND d.next_attempt_at <= @now
         ORDER BY d.next_attempt_at, d.number LIMIT @perWebhook) d
       WHERE w.enabled AND w.number = ANY(@held::bigint[]) ORDER BY w.number, next, place`,
      { now, perWebhook, held: [...held] },
    );
    const secrets = await this.#secretsOf([...held], now);
    return rows.map(({ webhook, ...row }) => toDue(row, secrets.get(webhook) ?? []));
  }

  /** Secrets that sign, by number of the webhook, newest first. */
  async #secretsOf(webhooks: readonly number[], now: number): Promise<ReadonlyMap<number, string[]>> {
    const rows = await this.#database.all<{ readonly webhook: number; readonly secret: string }>(
      `SELECT webhook, secret FROM webhook_secrets
       WHERE webhook = ANY(@webhooks::bigint[]) AND (expires_at IS NULL OR expires_at > @now) ORDER BY ${NEWEST_FIRST}`,
      { webhooks, now },
    );
    return new Map(
      [...Map.groupBy(rows, ({ webhook }) => webhook)].map(([webhook, all]) => [webhook, all.map((one) => one.secret)]),
    );
  }

  /** Queues a delivery of an event, and stores the response. */
  async #queue(
    transaction: Transaction,
    {
      webhook,
      event,
      replayOf,
    }: { readonly webhook: number; readonly event: number; readonly replayOf: string | null },
    now: number,
    once?: IdempotentRequest<Delivery>,
  ): Promise<Delivery> {
    const id = await this.#events.insertDelivery(transaction, webhook, event, replayOf, now);
    const { delivery } = await getDelivery(transaction, webhook, id);
    await keepAnswerOf(transaction, once, delivery, OF_NO_CAMPAIGN, now);
    return delivery;
  }
}

async function getDelivery(
  sql: Sql,
  webhook: number,
  id: string,
): Promise<{ readonly event: number; readonly delivery: Delivery }> {
  const row = await sql.get<DeliveryRow>(`${SELECT_DELIVERY} WHERE d.webhook = @webhook AND d.id = @id`, {
    ...{ webhook, id },
  });
  if (row === undefined) throw deliveryNotFound(id);
  return { event: row.event, delivery: toDelivery(readRow(COLUMNS, row)) };
}

async function enabledWebhook(sql: Sql, id: string): Promise<number> {
  const webhook = await getWebhookRow(sql, id);
  requireEnabled(webhook);
  return webhook.number;
}

function toDelivery({ number: _number, event: _event, ...delivery }: DeliveryRow): Delivery {
  return delivery;
}

function toDue(row: Omit<DueDelivery, 'secrets'>, secrets: readonly string[]): DueDelivery {
  const { id, attempts, createdAt, eventId, type, body, traceparent, webhookId, url } = row;
  return { id, attempts, createdAt, eventId, type, body, traceparent, webhookId, url, secrets };
}
