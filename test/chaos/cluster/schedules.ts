/** Campaigns that are refreshed on a schedule. */
import { systemClock } from '../../../src/lib/clock.ts';
import type { Span } from '../corruption.ts';
import { type CallCounts, persist } from '../persistent-call.ts';
import type { Verdict } from '../verdict.ts';
import type { World } from '../world.ts';
import type { Stage } from './stage.ts';

const CAMPAIGNS = 3;
/** The shortest interval that the API accepts. */
const EVERY_MS = 60_000;
/** A refresh is missed if it begins later than the one after it would have been due. */
const LATE_MS = EVERY_MS;
/** Clocks of processes follow that of the database, and may differ from it a little. */
const CLOCK_MS = 1_000;

/** An expansion of a scheduled campaign; times in ms since 1970. */
interface Refresh {
  readonly campaign: string;
  readonly cause: string;
  readonly createdAt: number;
  readonly endedAt: number;
}

/**
 * Compares the expansions of each campaign, in the order in which they began, with its schedule until `until`. Time in
 * which all nodes were disturbed does not count; `disturbances` has the spans of each node.
 */
function checkRefreshes(
  all: readonly Refresh[],
  { until, disturbances }: { readonly until: number; readonly disturbances: readonly (readonly Span[])[] },
  { lost, doubled }: Pick<Verdict, 'lost' | 'doubled'>,
): number {
  for (const [campaign, own] of Map.groupBy(all, (one) => one.campaign))
    for (const [i, { createdAt, endedAt }] of own.entries()) {
      const next = own[i + 1];
      const due = Math.max(createdAt + EVERY_MS, endedAt);
      const lateMs = calmMs(due, Math.min(next?.createdAt ?? until, until), disturbances);
      if (lateMs > LATE_MS) lost.push(`${campaign}: refresh ${i + 1} came ${lateMs} ms late, or never`);
      const tooEarlyMs = next?.cause === 'interval' ? createdAt + EVERY_MS - next.createdAt : 0;
      if (tooEarlyMs > CLOCK_MS) doubled.push(`${campaign}: refresh ${i + 1} came ${tooEarlyMs} ms before it was due`);
    }
  return all.filter(({ cause }) => cause === 'interval').length;
}

/** How long at least one node was not disturbed, in milliseconds. */
function calmMs(from: number, to: number, disturbances: readonly (readonly Span[])[]): number {
  const bounds = disturbances.flat().flatMap((span) => [span.from, span.to]);
  const times = [from, ...bounds.filter((time) => from < time && time < to).sort((a, b) => a - b), to];
  let calm = 0;
  for (let i = 1; i < times.length; i++) {
    const [start, end] = [times[i - 1]!, times[i]!];
    const isDisturbed = disturbances.every((own) => own.some((span) => span.from <= start && end <= span.to));
    if (!isDisturbed) calm += end - start;
  }
  return calm;
}

interface SchedulesOptions {
  readonly stage: Stage;
  readonly world: World;
  readonly counts: CallCounts;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #ids: string[] = [];
  #until = Number.POSITIVE_INFINITY;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  get ids(): readonly string[] {
    return this.#ids;
  }

  async begin(): Promise<void> {
    const { world } = this.#options;
    for (let i = 0; i < CAMPAIGNS; i++) {
      const name = `scheduled-${i}`;
      const { features, seeds } = world.campaigns[i % world.campaigns.length]!;
      const body = { name, features, seeds, audience: { size: 10 }, refresh: { every: '1m' } };
      const { json } = await this.#call('POST', '/v1/campaigns', body, { 'idempotency-key': name });
      this.#ids.push(json.id);
    }
  }

  /** Ends the schedules. @throws Unexpected */
  async end(): Promise<void> {
    this.#until = systemClock.now();
    for (const id of this.#ids) await this.#call('PATCH', `/v1/campaigns/${id}`, { refresh: { every: null } });
  }

  /** Returns the number of refreshes by schedule. */
  async check(verdict: Verdict): Promise<number> {
    const disturbances = this.#options.stage.nodes.map((node) => node.disturbances);
    return checkRefreshes(await this.#refreshes(), { until: this.#until, disturbances }, verdict);
  }

  async #refreshes(): Promise<Refresh[]> {
    const ids = this.#ids.map((id) => `'${id}'`).join(', ');
    const rows = await this.#options.stage.postgres.query<{ id: string; cause: string; from: string; to: string }>(
      `SELECT c.id, e.cause, e.created_at AS "from", e.updated_at AS "to"
       FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE c.id IN (${ids}) ORDER BY e.number`,
    );
    return rows.map(({ id, cause, from, to }) => ({
      campaign: id,
      cause,
      createdAt: Number(from),
      endedAt: Number(to),
    }));
  }

  #call(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const { stage, counts } = this.#options;
    return persist({ program: stage.front, counts }, [method, path, body], { headers });
  }
}
