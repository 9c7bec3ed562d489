/** The outbox of webhooks: events, written in the transaction of the change that they tell of, and their deliveries. Times are milliseconds since 1970. */
import { randomUUID } from 'node:crypto';
import { AppError, assert } from '../lib/errors.ts';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { type Database, write } from './database.ts';
import type { ExpansionState } from './states.ts';
import type { Page, Reason } from './types.ts';
import type {
  Attempt,
  CallerEvent,
  CampaignEvent,
  Delivery,
  DeliveryQuery,
  DueDelivery,
  EventType,
} from './webhook-types.ts';
import { getWebhookRow } from './webhooks.ts';

/** Rows that one call of `prune` removes of a table: no write lock is held for long. */
const PRUNED_ROWS = 1000;

const SELECT_DELIVERY = `SELECT d.number, d.id, e.id AS eventId, e.type, d.state, d.attempts, d.replay_of AS replayOf,
    d.next_attempt_at AS nextAttemptAt, d.last_attempt_at AS lastAttemptAt, d.last_status AS lastStatus,
    d.last_error AS lastError, d.last_duration_ms AS lastDurationMs, d.created_at AS createdAt
  FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event`;

export class Outbox {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Tells the webhooks that ask for it how an expansion ended: in ready, failed or too_small. Runs inside the caller's transaction. */
  expansionEnded(expansion: number, now: number): void {
    const row = this.#database
      .prepare(
        `SELECT c.id AS campaign_id, c.external_id, c.name, e.id AS expansion_id, e.state, e.reason, a.version, a.size
         FROM expansions e JOIN campaigns c ON c.number = e.campaign LEFT JOIN audiences a ON a.expansion = e.number
         WHERE e.number = ?`,
      )
      .get(expansion) as EndedExpansion;
    const { version: audience_version, size, reason, ...rest } = row;
    const type = eventOf(row);
    const data = { ...rest, audience_version, size, reason: reason === null ? null : (JSON.parse(reason) as Reason) };
    this.#tell(type, data, now);
  }

  /**
   * Tells likewise what a caller did: another size or another version is active in place of `previous`, or the campaign is about to be deleted.
   * Runs inside the caller's transaction.
   */
  audienceChanged(type: CallerEvent, campaign: number, previous: number | null, now: number): void {
    const { version, size, ...names } = this.#database
      .prepare(
        `SELECT c.id AS campaign_id, c.external_id, c.name, a.version, a.size
         FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version WHERE c.number = ?`,
      )
      .get(campaign) as Pick<EndedExpansion, 'campaign_id' | 'external_id' | 'name' | 'version' | 'size'>;
    const active =
      type === 'campaign.deleted' ? { audience_version: null, size: null } : { audience_version: version, size };
    this.#tell(type, { ...names, ...active, previous_version: previous }, now);
  }

  /** Queues a `webhook.ping`. @throws AppError webhook_not_found, webhook_disabled */
  ping(webhookId: string, now: number): Delivery {
    return write(this.#database, () => {
      const webhook = this.#enabledWebhook(webhookId);
      const event = this.#insertEvent('webhook.ping', { webhook_id: webhookId }, now);
      return this.#getDelivery(webhook, this.#insertDelivery(webhook, event, null, now)).delivery;
    });
  }

  /** Queues the event of a delivery again, as a delivery of its own. @throws AppError webhook_not_found, delivery_not_found, webhook_disabled */
  replay(webhookId: string, deliveryId: string, now: number): Delivery {
    return write(this.#database, () => {
      const { number } = getWebhookRow(this.#database, webhookId);
      const { event } = this.#getDelivery(number, deliveryId);
      const webhook = this.#enabledWebhook(webhookId);
      return this.#getDelivery(webhook, this.#insertDelivery(webhook, event, deliveryId, now)).delivery;
    });
  }

  /** Newest first. @throws AppError webhook_not_found, invalid_cursor */
  deliveries(webhookId: string, query: DeliveryQuery): Page<Delivery> {
    const { number: webhook } = getWebhookRow(this.#database, webhookId);
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor('deliveries', query.cursor);
    const byState = query.state === undefined ? '' : 'AND d.state = @state';
    const rows = this.#database
      .prepare(
        `${SELECT_DELIVERY} WHERE d.webhook = @webhook AND d.number < @before ${byState} ORDER BY d.number DESC LIMIT @limit`,
      )
      .all({
        webhook,
        before,
        limit: query.limit + 1,
        ...(query.state !== undefined && { state: query.state }),
      }) as DeliveryRow[];
    const page = rows.slice(0, query.limit);
    return {
      items: page.map(toDelivery),
      nextCursor: rows.length > page.length ? encodeCursor('deliveries', page.at(-1)!.number) : null,
    };
  }

  /**
   * Deliveries whose attempt is due, at most `perWebhook` of each enabled webhook, the longest due first. Nothing is written: a sender that
   * dies before it calls `record` finds them due again.
   */
  due(now: number, perWebhook: number): DueDelivery[] {
    const webhooks = this.#database.prepare('SELECT number, id, url FROM webhooks WHERE enabled = 1').all() as {
      number: number;
      id: string;
      url: string;
    }[];
    const select = this.#database.prepare(
      `SELECT d.id, d.attempts, d.created_at AS createdAt, e.id AS eventId, e.type, e.body
       FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event
       WHERE d.webhook = ? AND d.state = 'pending' AND d.next_attempt_at <= ? ORDER BY d.next_attempt_at, d.number LIMIT ?`,
    );
    return webhooks.flatMap(({ number, id: webhookId, url }) => {
      const rows = select.all(number, now, perWebhook) as Omit<DueDelivery, 'webhookId' | 'url' | 'secrets'>[];
      if (rows.length === 0) return [];
      const secrets = this.#secretsOf(number, now);
      return rows.map((row) => ({ ...row, webhookId, url, secrets }));
    });
  }

  /** Writes how an attempt went; false where the delivery is gone, or had ended. */
  record(delivery: DueDelivery, attempt: Attempt, now: number): boolean {
    assert((attempt.state === 'pending') === (attempt.nextAttemptAt !== null), 'a pending delivery is tried again');
    return write(this.#database, () => {
      const { changes } = this.#database
        .prepare(
          `UPDATE webhook_deliveries SET state = @state, attempts = attempts + 1, next_attempt_at = @nextAttemptAt, last_attempt_at = @now,
             last_status = @status, last_error = @error, last_duration_ms = @durationMs WHERE id = @id AND state = 'pending'`,
        )
        .run({
          id: delivery.id,
          now,
          state: attempt.state,
          nextAttemptAt: attempt.nextAttemptAt,
          status: attempt.status,
          error: attempt.error,
          durationMs: attempt.durationMs,
        });
      // Not where it has another URL by now: that one did not say so.
      if (attempt.isGone)
        this.#database
          .prepare(
            `UPDATE webhooks SET enabled = 0, disabled_reason = 'gone', updated_at = ? WHERE id = ? AND url = ? AND enabled = 1`,
          )
          .run(now, delivery.webhookId, delivery.url);
      return changes === 1;
    });
  }

  /** Ends deliveries as failed that wait since before `before` at a webhook that is disabled; gives their number. */
  failStranded(before: number): number {
    return write(
      this.#database,
      () =>
        this.#database
          .prepare(
            `UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL, last_error = 'webhook_disabled'
             WHERE state = 'pending' AND created_at <= ? AND webhook IN (SELECT number FROM webhooks WHERE enabled = 0)`,
          )
          .run(before).changes,
    );
  }

  /** Removes deliveries that ended and were made before `before`, and events without deliveries; true where there may be more. */
  prune(before: number): boolean {
    return write(this.#database, () => {
      const deliveries = this.#database
        .prepare(
          `DELETE FROM webhook_deliveries WHERE number IN
             (SELECT number FROM webhook_deliveries WHERE state <> 'pending' AND created_at < ? LIMIT ?)`,
        )
        .run(before, PRUNED_ROWS).changes;
      const events = this.#database
        .prepare(
          `DELETE FROM webhook_events WHERE number IN (SELECT number FROM webhook_events e
             WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event = e.number) LIMIT ?)`,
        )
        .run(PRUNED_ROWS).changes;
      return deliveries === PRUNED_ROWS || events === PRUNED_ROWS;
    });
  }

  pendingCount(): number {
    return this.#database
      .prepare(`SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'`)
      .pluck()
      .get() as number;
  }

  /** Writes an event and a delivery for each webhook that asks for it; nothing where none does. */
  #tell(type: CampaignEvent, data: object, now: number): void {
    const webhooks = this.#database
      .prepare(
        'SELECT number FROM webhooks WHERE enabled = 1 AND EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?)',
      )
      .pluck()
      .all(type) as number[];
    if (webhooks.length === 0) return;
    const event = this.#insertEvent(type, data, now);
    for (const webhook of webhooks) this.#insertDelivery(webhook, event, null, now);
  }

  #insertEvent(type: EventType, data: object, now: number): number {
    const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data });
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO webhook_events (id, type, body, created_at) VALUES (?, ?, ?, ?)')
      .run(randomUUID(), type, body, now);
    return Number(lastInsertRowid);
  }

  /** Gives the delivery's id. */
  #insertDelivery(webhook: number, event: number, replayOf: string | null, now: number): string {
    const id = randomUUID();
    this.#database
      .prepare(
        `INSERT INTO webhook_deliveries (id, webhook, event, replay_of, state, next_attempt_at, created_at)
         VALUES (?, ?, ?, ?, 'pending', ?, ?)`,
      )
      .run(id, webhook, event, replayOf, now, now);
    return id;
  }

  #getDelivery(webhook: number, id: string): { readonly event: number; readonly delivery: Delivery } {
    const row = this.#database
      .prepare(`${SELECT_DELIVERY.replace('SELECT', 'SELECT d.event,')} WHERE d.webhook = ? AND d.id = ?`)
      .get(webhook, id) as (DeliveryRow & { readonly event: number }) | undefined;
    if (row === undefined) throw new AppError('delivery_not_found', `the webhook has no delivery ${id}`);
    const { event, ...delivery } = row;
    return { event, delivery: toDelivery(delivery) };
  }

  #enabledWebhook(id: string): number {
    const { number, enabled } = getWebhookRow(this.#database, id);
    if (enabled === 1) return number;
    throw new AppError('webhook_disabled', `webhook ${id} is disabled: nothing is sent to it`);
  }

  #secretsOf(webhook: number, now: number): string[] {
    return this.#database
      .prepare(
        'SELECT secret FROM webhook_secrets WHERE webhook = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY rowid DESC',
      )
      .pluck()
      .all(webhook, now) as string[];
  }
}

interface EndedExpansion {
  readonly campaign_id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly expansion_id: string;
  readonly state: ExpansionState;
  /** JSON. */
  readonly reason: string | null;
  readonly version: number | null;
  readonly size: number | null;
}

type DeliveryRow = Delivery & { readonly number: number };

/** Ready is told as refreshed where the campaign had an audience before. */
function eventOf({ state, version }: EndedExpansion): CampaignEvent {
  if (state === 'ready') return version === 1 ? 'campaign.ready' : 'campaign.refreshed';
  assert(state === 'failed' || state === 'too_small', `nobody is told of ${state}`);
  return `campaign.${state}`;
}

function toDelivery({ number: _, ...delivery }: DeliveryRow): Delivery {
  return delivery;
}
