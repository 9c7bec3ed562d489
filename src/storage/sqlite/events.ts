/**
 * Events for webhooks, written with their deliveries in the transaction of the change that causes them. Times are
 * milliseconds since 1970.
 */
import { randomUUID } from 'node:crypto';
import type { ExpansionState } from '../../domain/states.ts';
import type { Reason } from '../../domain/types.ts';
import type { CallerEvent, CampaignEvent, EventType } from '../../domain/webhook-types.ts';
import { eventOfEnd } from '../../domain/webhooks.ts';
import { insertRow } from './database/columns.ts';
import type { Database } from './database/database.ts';

/** Events about changes that callers make to an audience. */
export type AudienceEvent = Exclude<CallerEvent, 'campaign.deleted'>;

/** A campaign at the time of its deletion. */
export interface LastOfCampaign {
  readonly id: string;
  readonly externalId: string | null;
  readonly name: string;
  /** Active audience version; null if there is none. */
  readonly version: number | null;
}

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
    const row = this.#database
      .prepare(
        `SELECT c.id AS campaign_id, c.external_id, c.name, e.id AS expansion_id, e.state, e.reason, a.version, a.size,
           j.traceparent
         FROM expansions e JOIN campaigns c ON c.number = e.campaign LEFT JOIN audiences a ON a.expansion = e.number
         LEFT JOIN jobs j ON j.expansion = e.number
         WHERE e.number = @expansion`,
      )
      .get({ expansion }) as EndedExpansion;
    const { version: audience_version, size, reason, traceparent, ...rest } = row;
    const type = eventOfEnd(row.state, row.version);
    const data = { ...rest, audience_version, size, reason: reason === null ? null : (JSON.parse(reason) as Reason) };
    this.#tell(type, data, now, given ?? traceparent);
  }

  /** Notifies webhooks that a caller replaced the active version `previous` by choosing another version or size. */
  audienceChanged(type: AudienceEvent, campaign: number, previous: number | null, now: number): void {
    const { version, size, ...names } = this.#database
      .prepare(
        `SELECT c.id AS campaign_id, c.external_id, c.name, a.version, a.size
         FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
         WHERE c.number = @campaign`,
      )
      .get({ campaign }) as Pick<EndedExpansion, 'campaign_id' | 'external_id' | 'name' | 'version' | 'size'>;
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

interface EndedExpansion {
  readonly campaign_id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly expansion_id: string;
  readonly state: ExpansionState;
  /** Encodes the reason as JSON. */
  readonly reason: string | null;
  readonly version: number | null;
  readonly size: number | null;
  readonly traceparent: string | null;
}
