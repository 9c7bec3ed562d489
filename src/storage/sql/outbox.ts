/** Events to deliver to webhooks and destinations. Times are in milliseconds since 1970. */
import type { NewDestination } from '../../domain/destinations.ts';
import type { IdempotentRequest } from '../../domain/idempotency.ts';
import { deliveryNotFound } from '../../domain/not-found.ts';
import type { Page } from '../../domain/pages.ts';
import type { Outbox, ReceiverKind } from '../../domain/ports/outbox.ts';
import type {
  Attempt,
  Delivery,
  DeliveryQuery,
  DeliveryState,
  DueDelivery,
  EventType,
} from '../../domain/webhook-types.ts';
import { decideAttempt, requireEnabled } from '../../domain/webhooks.ts';
import { boundsOf, flag, pageOf, plain, type RowOf, readRow, refuseDamaged, selectList, updateRow } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { EventLog } from './events.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import { readJson } from './json.ts';
import { getReceiverRow, NEWEST_FIRST } from './receivers.ts';
import type { SenderLocks } from './sender-locks.ts';
import type { Database, RowReference, Sql, Transaction } from './sql.ts';

/** Maximum number of rows that one statement removes or changes, because other writers wait for it. */
const CHANGED_ROWS = 1000;

/** The state is part of the text rather than a bound value, so that the statement can use the index for that state. */
const IN_STATE: Readonly<Record<DeliveryState, string>> = {
  pending: `AND d.state = 'pending'`,
  delivered: `AND d.state = 'delivered'`,
  failed: `AND d.state = 'failed'`,
};

const COLUMNS = {
  number: plain<number>('d.number'),
  event: plain<number>('d.event'),
  id: plain<string>('d.id'),
  eventId: plain<string>('e.id'),
  type: plain<EventType>('e.type'),
  // Postgres's JSON functions refuse some texts that the name of a campaign may contain
  campaignId: { sql: 'e.body', read: (body: unknown) => dataOf(body as string).campaign_id ?? null },
  state: plain<DeliveryState>('d.state'),
  attempts: plain<number>('d.attempts'),
  replayOf: plain<string | null>('d.replay_of'),
  nextAttemptAt: plain<number | null>('d.next_attempt_at'),
  lastAttemptAt: plain<number | null>('d.last_attempt_at'),
  lastStatus: plain<number | null>('d.last_status'),
  lastError: plain<string | null>('d.last_error'),
  lastDurationMs: plain<number | null>('d.last_duration_ms'),
  createdAt: plain<number>('d.created_at'),
  audienceVersion: { sql: 'e.body', read: (body: unknown) => dataOf(body as string).audience_version ?? null },
};

function dataOf(body: string) {
  return (JSON.parse(body) as EventBody).data;
}

interface EventBody {
  readonly data: { readonly campaign_id?: string; readonly audience_version?: number | null };
}

type DeliveryRow = RowOf<typeof COLUMNS>;
/** A due delivery without its webhook's secrets; `destination` is JSON. */
type StoredDue = Omit<DueDelivery, 'secrets' | 'destination'> & { readonly destination: string | null };

type UnreadRow = Pick<DeliveryRow, 'number' | 'event'>;

const SELECT_DELIVERY = `
  SELECT ${selectList(COLUMNS)}
  FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event`;

/** An attempted delivery, which may be gone by now, and its webhook. */
const ATTEMPTED = {
  number: plain<number | null>('d.number'),
  state: plain<DeliveryState | null>('d.state'),
  attempts: plain<number | null>('d.attempts'),
  webhook: plain<number>('w.number'),
  url: plain<string>('w.url'),
  enabled: flag('w.enabled'),
};

export interface OutboxDependencies extends StoreDependencies {
  readonly events: EventLog;
  readonly locks: SenderLocks;
}

export class OutboxRepository implements Outbox {
  readonly #database: Database;
  readonly #events: EventLog;
  readonly #locks: SenderLocks;
  #reading: Promise<unknown> = Promise.resolve();

  constructor({ database, events, locks }: OutboxDependencies) {
    this.#database = database;
    this.#events = events;
    this.#locks = locks;
  }

  async ping(webhookId: string, now: number, once?: IdempotentRequest<Delivery>): Promise<Delivery> {
    return this.#database.write(async (t) => {
      const webhook = await enabledWebhook(t, webhookId);
      const event = await this.#events.insertEvent(t, 'webhook.ping', { webhook_id: webhookId }, now);
      return this.#queue(t, [webhook, event, null], now, once);
    });
  }

  async replay(
    webhookId: string,
    deliveryId: string,
    now: number,
    once?: IdempotentRequest<Delivery>,
    kind: ReceiverKind = 'webhook',
  ): Promise<Delivery> {
    return this.#database.write(async (t) => {
      const { number } = await getReceiverRow(t, webhookId, kind);
      const { event } = await getDelivery(t, number, deliveryId);
      const webhook = await enabledWebhook(t, webhookId, kind);
      return this.#queue(t, [webhook, event, deliveryId], now, once);
    });
  }

  async deliveries(webhookId: string, query: DeliveryQuery, kind: ReceiverKind = 'webhook'): Promise<Page<Delivery>> {
    const { number: webhook } = await getReceiverRow(this.#database, webhookId, kind);
    const byState = query.state === undefined ? '' : IN_STATE[query.state];
    const rows = await this.#database.all<UnreadRow>(
      `${SELECT_DELIVERY} WHERE d.webhook = @webhook AND d.number < @before ${byState}
       ORDER BY d.number DESC LIMIT @most`,
      { webhook, ...boundsOf('deliveries', query) },
    );
    return pageOf(this.#database, 'deliveries', rows, query.limit, referencesOf, toDelivery);
  }

  /**
   * Returns nothing for a webhook that another process is sending to. A webhook's lock is held as long as a delivery is
   * due or being sent.
   */
  async due(now: number, perWebhook: number): Promise<DueDelivery[]> {
    const read = this.#reading.catch(() => {}).then(() => this.#due(now, perWebhook));
    this.#reading = read;
    return read;
  }

  async record(delivery: DueDelivery, attempt: Attempt, now: number): Promise<boolean> {
    return this.#database.write(async (t) => {
      const found = await t.get(
        `SELECT ${selectList(ATTEMPTED)}
         FROM webhooks w LEFT JOIN webhook_deliveries d ON d.webhook = w.number AND d.id = @id
         WHERE w.id = @webhookId`,
        { id: delivery.id, webhookId: delivery.webhookId },
      );
      if (found === undefined) return false;
      const row = readRow(ATTEMPTED, found);
      const { url, attempts } = delivery;
      const { isRecorded, disables } = decideAttempt(row, { ...attempt, url, attempts });
      if (isRecorded)
        await updateRow(t, 'webhook_deliveries', row.number!, {
          state: attempt.state,
          attempts: row.attempts! + 1,
          next_attempt_at: attempt.nextAttemptAt,
          last_attempt_at: now,
          last_status: attempt.status,
          last_error: attempt.error,
          last_duration_ms: attempt.durationMs,
        });
      if (disables)
        await updateRow(t, 'webhooks', row.webhook, { enabled: false, disabled_reason: 'gone', updated_at: now });
      return isRecorded;
    });
  }

  async failStranded(before: number): Promise<number> {
    let failed = 0;
    for (let some = CHANGED_ROWS; some === CHANGED_ROWS; failed += some)
      some = await this.#database.run(
        `UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL, last_error = (
           SELECT CASE WHEN w.destination IS NULL THEN 'webhook_disabled' ELSE 'destination_paused' END
           FROM webhooks w WHERE w.number = webhook_deliveries.webhook)
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
    // an event without deliveries stays while a replay may be queueing one
    const events = await this.#database.write((t) =>
      t.run(
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

  /** Allows other processes to send. */
  close(): Promise<void> {
    return this.#locks.close();
  }

  async #due(now: number, perWebhook: number): Promise<DueDelivery[]> {
    const waiting = await this.#database.all<{ readonly number: number; readonly enabled: unknown }>(
      `SELECT w.number, w.enabled FROM webhooks w WHERE EXISTS (
         SELECT 1 FROM webhook_deliveries d
         WHERE d.webhook = w.number AND d.state = 'pending' AND d.next_attempt_at <= @now)
       ORDER BY w.number`,
      { now },
    );
    const numbers = waiting.map(({ number }) => number);
    const enabled = waiting.filter((webhook) => webhook.enabled).map(({ number }) => number);
    const held = await this.#locks.hold(enabled, numbers);
    const sending = enabled.filter((webhook) => held.has(webhook));
    if (sending.length === 0) return [];
    // read after the locks were taken, so it includes everything that former holders recorded
    return (await Promise.all(sending.map((webhook) => this.#dueOf(webhook, now, perWebhook)))).flat();
  }

  async #dueOf(webhook: number, now: number, most: number): Promise<DueDelivery[]> {
    const rows = await this.#database.all<StoredDue>(
      `SELECT d.id, d.attempts, d.created_at AS "createdAt", e.id AS "eventId", e.type, e.body, e.traceparent,
         w.id AS "webhookId", w.url, w.destination
       FROM webhooks w JOIN webhook_deliveries d ON d.webhook = w.number JOIN webhook_events e ON e.number = d.event
       WHERE w.number = @webhook AND w.enabled AND d.state = 'pending' AND d.next_attempt_at <= @now
       ORDER BY d.next_attempt_at, d.number LIMIT @most`,
      { webhook, now, most },
    );
    const signing = await this.#database.all<{ readonly secret: string }>(
      `SELECT secret FROM webhook_secrets
       WHERE webhook = @webhook AND (expires_at IS NULL OR expires_at > @now) ORDER BY ${NEWEST_FIRST}`,
      { webhook, now },
    );
    const secrets = signing.map(({ secret }) => secret);
    return rows.map(({ destination: stored, ...row }) => {
      const destination = stored === null ? null : readJson<NewDestination>(stored, 'w.destination');
      return { ...row, secrets, destination };
    });
  }

  /** Queues a delivery of an event, and stores the response. */
  async #queue(
    t: Transaction,
    [webhook, event, replayOf]: readonly [webhook: number, event: number, replayOf: string | null],
    now: number,
    once?: IdempotentRequest<Delivery>,
  ): Promise<Delivery> {
    const id = await this.#events.insertDelivery(t, webhook, event, replayOf, now);
    const { delivery } = await getDelivery(t, webhook, id);
    await keepAnswerOf(t, once, delivery, OF_NO_CAMPAIGN, now);
    return delivery;
  }
}

async function getDelivery(
  sql: Sql,
  webhook: number,
  id: string,
): Promise<{ readonly event: number; readonly delivery: Delivery }> {
  const where = 'WHERE d.webhook = @webhook AND d.id = @id';
  const row = await sql.get<UnreadRow>(`${SELECT_DELIVERY} ${where}`, { webhook, id });
  if (row === undefined) throw deliveryNotFound(id);
  await refuseDamaged(sql, referencesOf(row));
  return { event: row.event, delivery: toDelivery(row) };
}

async function enabledWebhook(sql: Sql, id: string, kind: ReceiverKind = 'webhook'): Promise<number> {
  const webhook = await getReceiverRow(sql, id, kind);
  // deliveries to a paused destination wait
  if (kind === 'webhook') requireEnabled(webhook);
  return webhook.number;
}

function referencesOf({ number, event }: UnreadRow): readonly RowReference[] {
  return [
    ['webhook_deliveries', { number }],
    ['webhook_events', { number: event }],
  ];
}

function toDelivery(row: UnreadRow): Delivery {
  const { number: _number, event: _event, ...delivery } = readRow(COLUMNS, row);
  return delivery;
}
