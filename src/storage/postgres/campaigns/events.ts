/**
 * Events for webhooks, written with their deliveries in the transaction of the change that causes them. Times are
 * milliseconds since 1970.
 */
import { randomUUID } from 'node:crypto';
import type { Reason } from '../../../domain/types.ts';
import type { CampaignEvent, EventType } from '../../../domain/webhook-types.ts';
import { eventOfEnd } from '../../../domain/webhooks.ts';
import {
  type AudienceEvent,
  type EndedExpansionRow,
  type LastOfCampaign,
  SELECT_ACTIVE,
  SELECT_ENDED_EXPANSION,
} from '../../rows/webhooks.ts';
import { insertRow } from '../database/columns.ts';
import type { Transaction } from '../database/database.ts';
import { toJson } from '../database/statement.ts';

/** The topic that is announced when a delivery was queued. */
const DELIVERIES = 'webhooks';

/** Writes events. Each method runs inside the caller's transaction. */
export class EventLog {
  readonly #traceparent: () => string | null;

  /** `traceparent` returns the trace of the current operation. */
  constructor(traceparent: () => string | null = () => null) {
    this.#traceparent = traceparent;
  }

  /**
   * Notifies subscribed webhooks that an expansion has ended: ready, failed or too_small. The event belongs to the
   * given trace, by default to the trace of the expansion's job.
   */
  async expansionEnded(t: Transaction, expansion: number, now: number, given: string | null = null): Promise<void> {
    const row = await t.get<EndedExpansionRow<Reason>>(SELECT_ENDED_EXPANSION, { expansion });
    const { version: audience_version, size, reason, traceparent, ...rest } = row!;
    const type = eventOfEnd(row!.state, row!.version);
    await this.#tell(t, type, { ...rest, audience_version, size, reason }, now, given ?? traceparent);
  }

  /** Notifies webhooks that a caller replaced the active version `previous` by choosing another version or size. */
  async audienceChanged(
    t: Transaction,
    type: AudienceEvent,
    campaign: number,
    previous: number | null,
    now: number,
  ): Promise<void> {
    const row = await t.get<
      Pick<EndedExpansionRow<Reason>, 'campaign_id' | 'external_id' | 'name' | 'version' | 'size'>
    >(SELECT_ACTIVE, { campaign });
    const { version, size, ...names } = row!;
    await this.#tell(t, type, { ...names, audience_version: version, size, previous_version: previous }, now);
  }

  /** Notifies webhooks that a campaign is about to be deleted. */
  async campaignDeleted(t: Transaction, { id, externalId, name, version }: LastOfCampaign, now: number): Promise<void> {
    const names = { campaign_id: id, external_id: externalId, name };
    const data = { ...names, audience_version: null, size: null, previous_version: version };
    await this.#tell(t, 'campaign.deleted', data, now);
  }

  /** Writes an event with the given trace, by default the trace of the current operation; returns its number. */
  insertEvent(
    t: Transaction,
    type: EventType,
    data: object,
    now: number,
    given: string | null = null,
  ): Promise<number> {
    const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data });
    return insertRow(t, 'webhook_events', {
      ...{ id: randomUUID(), type, body, created_at: now },
      traceparent: given ?? this.#traceparent(),
    });
  }

  /** Queues a delivery of an event, and returns the id of the delivery. */
  async insertDelivery(
    t: Transaction,
    webhook: number,
    event: number,
    replayOf: string | null,
    now: number,
  ): Promise<string> {
    const id = randomUUID();
    await insertRow(t, 'webhook_deliveries', {
      ...{ id, webhook, event, replay_of: replayOf, state: 'pending' },
      ...{ next_attempt_at: now, created_at: now },
    });
    t.announce(DELIVERIES);
    return id;
  }

  /** Writes an event with a delivery for each subscribed webhook; without subscribed webhooks, nothing is written. */
  async #tell(
    t: Transaction,
    type: CampaignEvent,
    data: object,
    now: number,
    traceparent: string | null = null,
  ): Promise<void> {
    const webhooks = await t.all<{ readonly number: number }>(
      'SELECT number FROM webhooks WHERE enabled AND events::jsonb @> @types::jsonb ORDER BY number',
      { types: toJson([type]) },
    );
    if (webhooks.length === 0) return;
    const event = await this.insertEvent(t, type, data, now, traceparent);
    for (const { number } of webhooks) await this.insertDelivery(t, number, event, null, now);
  }
}
