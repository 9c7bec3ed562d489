/** Columns of webhooks, their events and deliveries, for all dialects of SQL. */
import type { ExpansionState } from '../../domain/states.ts';
import type {
  CallerEvent,
  CampaignEvent,
  DeliveryState,
  EventType,
  WebhookChange,
} from '../../domain/webhook-types.ts';
import { type Column, type Dialect, plain } from './columns.ts';

export function webhookColumns({ json, flag }: Pick<Dialect<unknown>, 'json' | 'flag'>) {
  return {
    number: plain<number>('number'),
    id: plain<string>('id'),
    url: plain<string>('url'),
    events: json<CampaignEvent[]>('events'),
    description: plain<string>('description'),
    enabled: flag('enabled'),
    disabledReason: plain<string | null>('disabled_reason'),
    createdAt: plain<number>('created_at'),
    updatedAt: plain<number>('updated_at'),
  };
}

/** Columns for the fields that a caller has set. */
export function webhookWrites<Flag>(
  { toJson, toFlag }: Pick<Dialect<Flag>, 'toJson' | 'toFlag'>,
  { url, events, description, enabled }: WebhookChange,
) {
  return { url, events: toJson(events), description, enabled: toFlag(enabled) };
}

/** The columns of a delivery; `campaignId` reads the campaign in the body of the event `e`. */
export function deliveryColumns(campaignId: Column<string | null>) {
  return {
    number: plain<number>('d.number'),
    event: plain<number>('d.event'),
    id: plain<string>('d.id'),
    eventId: plain<string>('e.id'),
    type: plain<EventType>('e.type'),
    campaignId,
    state: plain<DeliveryState>('d.state'),
    attempts: plain<number>('d.attempts'),
    replayOf: plain<string | null>('d.replay_of'),
    nextAttemptAt: plain<number | null>('d.next_attempt_at'),
    lastAttemptAt: plain<number | null>('d.last_attempt_at'),
    lastStatus: plain<number | null>('d.last_status'),
    lastError: plain<string | null>('d.last_error'),
    lastDurationMs: plain<number | null>('d.last_duration_ms'),
    createdAt: plain<number>('d.created_at'),
  };
}

/** An attempted delivery that still exists, and its webhook. `Flag` is the stored type of a boolean. */
export interface AttemptedRow<Flag> {
  readonly number: number | null;
  readonly state: DeliveryState | null;
  readonly attempts: number | null;
  readonly webhook: number;
  readonly url: string;
  readonly enabled: Flag;
}

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

/** What the event at the end of an expansion says. `Json` is the type of a JSON column as the driver returns it. */
export interface EndedExpansionRow<Json> {
  readonly campaign_id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly expansion_id: string;
  readonly state: ExpansionState;
  readonly reason: Json | null;
  readonly version: number | null;
  readonly size: number | null;
  readonly traceparent: string | null;
}

export const SELECT_ENDED_EXPANSION = `
  SELECT c.id AS campaign_id, c.external_id, c.name, e.id AS expansion_id, e.state, e.reason, a.version, a.size,
    j.traceparent
  FROM expansions e JOIN campaigns c ON c.number = e.campaign LEFT JOIN audiences a ON a.expansion = e.number
  LEFT JOIN jobs j ON j.expansion = e.number
  WHERE e.number = @expansion`;

export const SELECT_ACTIVE = `
  SELECT c.id AS campaign_id, c.external_id, c.name, a.version, a.size
  FROM campaigns c LEFT JOIN audiences a ON a.campaign = c.number AND a.version = c.active_version
  WHERE c.number = @campaign`;
