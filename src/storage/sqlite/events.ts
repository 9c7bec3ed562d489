/**
 * Events for webhooks, written with their deliveries in the transaction of the change that causes them. Times are
 * milliseconds since 1970.
 */
import { randomUUID } from 'node:crypto';
import type { Reason } from '../../domain/types.ts';
import type { CampaignEvent, EventType } from '../../domain/webhook-types.ts';
import { eventOfEnd } from '../../domain/webhooks.ts';
import {
  type AudienceEvent,
  type EndedExpansionRow,
  type LastOfCampaign,
  SELECT_ACTIVE,
  SELECT_ENDED_EXPANSION,
} from '../rows/webhooks.ts';
import { insertRow } from './database/columns.ts';
import type { Database } from './database/database.ts';

/** Writes events. Each method runs inside the caller's transaction. */
export class EventLog {
  readonly #database: Database;
  readonly #traceparent: () => string | null;

  /** `traceparent` returns the trace of the current operation. */
  constructor(database: Database, traceparent: () => string | null = () => null) {
    this.#database = database;
    this.#traceparent = traceparent;
  }

  /**
   * Notifies subscribed webhooks that an expansion has ended: ready, failed or too_small. The event belongs to the
   * given trace, by default to the trace of the expansion's job.
   */
  expansionEnded(expansion: number, now: number, given: string | null = null): void {
    const row = this.#database.prepare(SELECT_ENDED_EXPANSION).get({ expansion }) as EndedExpansionRow<string>;
    const { version: audience_version, size, reason, traceparent, ...rest } = row;
    const type = eventOfEnd(row.state, row.version);
    const data = { ...rest, audience_version, size, reason: reason === null ? null : (JSON.parse(reason) as Reason) };
    this.#tell(type, data, now, given ?? traceparent);
  }

  /** Notifies webhooks that a caller replaced the active version `previous` by choosing another version or size. */
  audienceChanged(type: AudienceEvent, campaign: number, previous: number | null, now: number): void {
    const { version, size, ...names } = this.#database.prepare(SELECT_ACTIVE).get({ campaign }) as Pick<
      EndedExpansionRow<string>,
      'campaign_id' | 'external_id' | 'name' | 'version' | 'size'
    >;
    this.#tell(type, { ...names, audience_version: version, size, previous_version: previous }, now);
  }

  /** Notifies webhooks that a campaign is about to be deleted. */
  campaignDeleted({ id, externalId, name, version }: LastOfCampaign, now: number): void {
    const names = { campaign_id: id, external_id: externalId, name };
    this.#tell('campaign.deleted', { ...names, audience_version: null, size: null, previous_version: version }, now);
  }

  /** Writes an event with the given trace, by default the trace of the current operation. */
  insertEvent(type: EventType, data: object, now: number, given: string | null = null): number {
    const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data });
    return insertRow(this.#database, 'webhook_events', {
      ...{ id: randomUUID(), type, body, created_at: now },
      traceparent: given ?? this.#traceparent(),
    });
  }

  /** Queues a delivery of an event, and returns the id of the delivery. */
  insertDelivery(webhook: number, event: number, replayOf: string | null, now: number): string {
    const id = randomUUID();
    insertRow(this.#database, 'webhook_deliveries', {
      id,
      webhook,
      event,
      replay_of: replayOf,
      state: 'pending',
      next_attempt_at: now,
      created_at: now,
    });
    return id;
  }

  /** Writes an event with a delivery for each subscribed webhook; without subscribed webhooks, nothing is written. */
  #tell(type: CampaignEvent, data: object, now: number, traceparent: string | null = null): void {
    const webhooks = this.#database
      .prepare(
        `SELECT number FROM webhooks
         WHERE enabled = 1 AND EXISTS (
             SELECT 1 FROM json_each(CASE WHEN json_valid(events) THEN events ELSE '[]' END) WHERE value = @type)`,
      )
      .pluck()
      .all({ type }) as number[];
    if (webhooks.length === 0) return;
    const event = this.insertEvent(type, data, now, traceparent);
    for (const webhook of webhooks) this.insertDelivery(webhook, event, null, now);
  }
}
