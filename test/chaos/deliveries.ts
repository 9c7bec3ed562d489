/** Whether webhooks got every event, and nothing else. */
import type { Entry } from './client.ts';
import type { Span } from './corruption.ts';
import type { Received } from './receiver.ts';
import type { Verdict } from './verdict.ts';

/** An event as the database has it. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

/** What is known of events at the end. */
export interface EventFacts {
  /** The paths of the webhooks. */
  readonly webhooks: readonly string[];
  readonly events: readonly EventRow[];
  readonly received: readonly Received[];
  readonly entries: readonly Pick<Entry, 'key' | 'id' | 'isDeleted' | 'resizes' | 'rollBacks'>[];
  /** Expansions with an audience, of campaigns that still exist. */
  readonly ready: readonly string[];
  /** When senders were disturbed, or another process began to lead, in ms since 1970: an event may be sent again. */
  readonly disturbances: readonly Span[];
}

export interface EventCounts {
  readonly events: number;
  readonly deliveries: number;
  /** Deliveries that arrived again although they had been confirmed: the sender could not record that. */
  readonly repeated: number;
}

/** Maximum number of concurrent calls of one webhook (`webhookParallelCalls`). */
const PARALLEL_CALLS = 2;
/** A sender that is disturbed within this time of an answer may not have recorded it. */
const RECORD_MS = 2_000;

export function checkEvents(facts: EventFacts, verdict: Pick<Verdict, 'lost' | 'doubled'>): EventCounts {
  checkCauses(facts, verdict);
  let repeated = 0;
  const known = new Set(facts.events.map(({ id }) => id));
  for (const path of facts.webhooks) {
    const calls = facts.received.filter((call) => call.path === path).sort((a, b) => a.from - b.from);
    const byEvent = Map.groupBy(calls, ({ event }) => event);
    for (const { id, type } of facts.events)
      if (!byEvent.get(id)?.some(isConfirmed)) verdict.lost.push(`${path} never got the event ${id} (${type})`);
    for (const [id, own] of byEvent) {
      if (!known.has(id)) verdict.doubled.push(`${path} got the event ${id}, which does not exist`);
      for (let i = 1; i < own.length; i++) {
        const [before, after] = [own[i - 1]!, own[i]!];
        if (after.from < before.to) verdict.doubled.push(`${path} got the event ${id} twice at the same time`);
        if (!isConfirmed(before)) continue;
        repeated += 1;
        if (!facts.disturbances.some(({ from, to }) => from <= after.from && before.to - RECORD_MS <= to))
          verdict.doubled.push(`${path} got the event ${id} again, though nothing disturbed the sender`);
      }
    }
    const parallel = mostParallel(calls);
    if (parallel > PARALLEL_CALLS) verdict.doubled.push(`${path} got ${parallel} calls at the same time`);
  }
  return { events: facts.events.length, deliveries: facts.received.filter(isConfirmed).length, repeated };
}

/** Each change has one event. */
export function checkCauses(
  { events, entries, ready }: Pick<EventFacts, 'events' | 'entries' | 'ready'>,
  { lost, doubled }: Pick<Verdict, 'lost' | 'doubled'>,
): void {
  const bodies = events.map(({ type, body }) => ({ type, ...JSON.parse(body).data }));
  const ofExpansions = Map.groupBy(bodies, ({ expansion_id: id }) => id as string | undefined);
  for (const [id, all] of ofExpansions)
    if (id !== undefined && all.length > 1) doubled.push(`there are ${all.length} events for the expansion ${id}`);
  for (const id of ready) if (!ofExpansions.has(id)) lost.push(`there is no event for the expansion ${id}`);
  const ofCampaigns = Map.groupBy(bodies, ({ campaign_id: id }) => id as string | undefined);
  for (const { key, id, isDeleted, resizes, rollBacks } of entries) {
    const count = (type: string) => (ofCampaigns.get(id) ?? []).filter((one) => one.type === type).length;
    const deletions = count('campaign.deleted');
    if (isDeleted && deletions === 0) lost.push(`${key}: there is no event for the deletion`);
    for (const [what, found, most] of [
      ['deletions', deletions, isDeleted ? 1 : 0],
      ['changes of the size', count('campaign.resized'), resizes],
      ['activations', count('campaign.activated'), rollBacks],
    ] as const)
      if (found > most) doubled.push(`${key}: there are ${found} events for ${most} ${what}`);
  }
}

function isConfirmed({ status }: Received): boolean {
  return status === 200;
}

/** The largest number of calls that were open at the same time. */
function mostParallel(calls: readonly Received[]): number {
  const turns = calls.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    ...(to < Number.POSITIVE_INFINITY ? [{ at: to, by: -1 }] : []),
  ]);
  // an end comes before a beginning of the same millisecond
  turns.sort((a, b) => a.at - b.at || a.by - b.by);
  let [open, most] = [0, 0];
  for (const { by } of turns) {
    open += by;
    most = Math.max(most, open);
  }
  return most;
}
