/**
 * Events for webhooks and destinations. They are written with their deliveries in the transaction of the change that
 * causes them. Times are in milliseconds since 1970.
 */
import { randomUUID } from 'node:crypto';
import type { Cause, Change, VersionPart } from '../../domain/changes.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import { isDelivered, type NewDestination } from '../../domain/destinations.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { Labels, Reason } from '../../domain/types.ts';
import type { SetOwner } from '../../domain/user-sets.ts';
import type { CallerEvent, CampaignEvent, EventType } from '../../domain/webhook-types.ts';
import { eventOfEnd } from '../../domain/webhooks.ts';
import { insertRow } from './columns.ts';
import { readJson } from './json.ts';
import type { Transaction } from './sql.ts';

/** The topic announced when a delivery is queued. */
const DELIVERIES = 'webhooks';

/** Events for changes that callers make to an audience. */
export type AudienceEvent = Exclude<CallerEvent, 'campaign.deleted'>;

/** A campaign just before its deletion. */
export interface LastOfCampaign {
  readonly id: string;
  readonly externalId: string | null;
  readonly name: string;
  /** Active audience version; null if there is none. */
  readonly version: number | null;
}

/** The data of the event that reports the end of an expansion. */
interface EndedExpansionRow {
  readonly campaign_id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly expansion_id: string;
  readonly state: ExpansionState;
  /** JSON. */
  readonly reason: string | null;
  readonly version: number | null;
  readonly size: number | null;
  /** The cuts of the version as JSON. */
  readonly cuts: string | null;
  readonly cause: Cause;
  /** What differs from the version before, as JSON. */
  readonly changed: string | null;
  readonly traceparent: string | null;
}

type ActiveRow = Pick<EndedExpansionRow, 'campaign_id' | 'external_id' | 'name' | 'version' | 'size' | 'cuts'>;

const SELECT_ENDED_EXPANSION = `
  SELECT c.id AS campaign_id, c.external_id, c.name, e.id AS expansion_id, e.cause, e.state, e.reason, a.version,
    a.size, a.cuts, a.changed, j.traceparent
  FROM expansions e JOIN campaigns c ON c.number = e.campaign LEFT JOIN audiences a ON a.expansion = e.number
  LEFT JOIN jobs j ON j.expansion = e.number
  WHERE e.number = @expansion`;

const SELECT_ACTIVE = `
  SELECT c.id AS campaign_id, c.external_id, c.name, a.version, a.size, a.cuts
  FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  WHERE c.number = @campaign`;

/** Writes events. All methods run in the caller's transaction. */
export class EventLog {
  readonly #traceparent: () => string | null;

  /** `traceparent` returns the trace of the current operation. */
  constructor(traceparent: () => string | null = () => null) {
    this.#traceparent = traceparent;
  }

  /**
   * Notifies subscribers that an expansion has ended: ready, failed or too_small. The event belongs to the given trace
   * or, by default, to that of the expansion's job.
   */
  async expansionEnded(t: Transaction, expansion: number, now: number, given: string | null = null): Promise<void> {
    const row = (await t.get<EndedExpansionRow>(SELECT_ENDED_EXPANSION, { expansion }))!;
    const { version: audience_version, size, cuts, reason: stored, changed: parts, traceparent, ...rest } = row;
    const reason = stored === null ? null : readJson<Reason>(stored, 'e.reason');
    const changed = parts === null ? null : readJson<readonly VersionPart[]>(parts, 'a.changed');
    const data = { ...rest, audience_version, size, cuts: sizesOf(cuts), changed, reason };
    await this.#tell(t, eventOfEnd(row.state, row.version), data, now, given ?? traceparent);
  }

  /** Notifies subscribers that a caller replaced the active version by choosing another version or size. */
  async audienceChanged(
    t: Transaction,
    type: AudienceEvent,
    campaign: number,
    { previousVersion, changed }: Pick<Change, 'previousVersion' | 'changed'>,
    now: number,
  ): Promise<void> {
    const { version, size, cuts, ...names } = (await t.get<ActiveRow>(SELECT_ACTIVE, { campaign }))!;
    const active = { audience_version: version, size, cuts: sizesOf(cuts) };
    await this.#tell(t, type, { ...names, ...active, previous_version: previousVersion, changed }, now);
  }

  /** Notifies subscribers that a campaign is about to be deleted. */
  async campaignDeleted(t: Transaction, { id, externalId, name, version }: LastOfCampaign, now: number): Promise<void> {
    const names = { campaign_id: id, external_id: externalId, name };
    const data = { ...names, audience_version: null, size: null, cuts: null, previous_version: version, changed: null };
    await this.#tell(t, 'campaign.deleted', data, now);
  }

  /** Notifies subscribers that users have expired and were removed from a suppression list. */
  async usersExpired(t: Transaction, owner: SetOwner, users: number, now: number): Promise<void> {
    const id = owner.kind === 'common_suppression' ? null : owner.campaignId;
    const row = await t.get<Pick<EndedExpansionRow, 'external_id' | 'name'>>(
      'SELECT external_id, name FROM campaigns WHERE id = @id',
      { id },
    );
    const { external_id = null, name = null } = row ?? {};
    await this.#tell(t, 'suppression.expired', { campaign_id: id, external_id, name, users }, now);
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
    const traceparent = given ?? this.#traceparent();
    return insertRow(t, 'webhook_events', { id: randomUUID(), type, body, created_at: now, traceparent });
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
      id,
      webhook,
      event,
      replay_of: replayOf,
      state: 'pending',
      next_attempt_at: now,
      created_at: now,
    });
    t.announce(DELIVERIES);
    return id;
  }

  /**
   * Writes an event with a delivery for each subscriber; without subscribers, nothing is written. Deliveries to a
   * paused destination wait.
   */
  async #tell(
    t: Transaction,
    type: CampaignEvent,
    data: Readonly<Record<string, unknown>> & AboutVersion,
    now: number,
    traceparent: string | null = null,
  ): Promise<void> {
    const subscribed = await t.all<Subscriber>(
      `SELECT number, destination FROM webhooks WHERE (enabled OR destination IS NOT NULL) AND ${t.dialect.hasItem('events', 'type')}
       ORDER BY number`,
      { type },
    );
    const webhooks = await thatReceive(t, subscribed, data);
    if (webhooks.length === 0) return;
    const event = await this.insertEvent(t, type, data, now, traceparent);
    for (const { number } of webhooks) await this.insertDelivery(t, number, event, null, now);
  }
}

/** A webhook or destination that receives an event; `destination` is JSON. */
interface Subscriber {
  readonly number: number;
  readonly destination: string | null;
}

/** The audience version that an event is about. */
interface AboutVersion {
  readonly campaign_id: string | null;
  /** Null or absent if there is none. */
  readonly audience_version?: number | null;
}

/** Excludes destinations that do not receive this version because of its campaign's labels or its cuts. */
async function thatReceive(
  t: Transaction,
  subscribers: readonly Subscriber[],
  { campaign_id: campaign, audience_version: version = null }: AboutVersion,
): Promise<readonly Subscriber[]> {
  if (subscribers.every(({ destination }) => destination === null)) return subscribers;
  const row = (await t.get<{ readonly labels: string; readonly cuts: string | null }>(
    `SELECT c.labels, a.cuts FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = @version
     WHERE c.id = @campaign`,
    { campaign, version },
  ))!;
  const labels = readJson<Labels>(row.labels, 'c.labels');
  const cuts = readJson<readonly AudienceCut[]>(row.cuts ?? '[]', 'a.cuts');
  return subscribers.filter(
    ({ destination }) =>
      destination === null || isDelivered(readJson<NewDestination>(destination, 'w.destination'), { labels, cuts }),
  );
}

/** The cuts of a version as in the API. */
function sizesOf(stored: string | null): readonly object[] | null {
  if (stored === null) return null;
  const cuts = readJson<readonly AudienceCut[]>(stored, 'a.cuts');
  return cuts.map(({ name, from, to }) => ({ name, from_size: from, to_size: to, size: to - from }));
}
