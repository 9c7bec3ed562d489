/** Campaigns that are refreshed on a schedule, and whose old audience versions retention removes. */
import { setTimeout as sleep } from 'node:timers/promises';
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
const SIZES = [10, 20];
/** Older than any version may be by default. */
const OLD_MS = 40 * 24 * 3600_000;
/** A leader that has just begun removes old versions within this time. */
const PRUNING_MS = 3_000;
const RETENTION_MS = 180_000;
/** Postgres is restarted within this time. */
const QUERY_MS = 60_000;
const PAUSE_MS = 500;

/** An expansion of a scheduled campaign; times in ms since 1970. */
export interface Refresh {
  readonly campaign: string;
  readonly cause: string;
  readonly createdAt: number;
  readonly endedAt: number;
}

export interface ScheduleCounts {
  /** Refreshes by schedule. */
  readonly refreshes: number;
  /** Versions that had grown too old. */
  readonly old: number;
}

/**
 * Compares the expansions of each campaign, in the order in which they began, with its schedule until `until`. Time in
 * which all nodes were disturbed does not count; `disturbances` has the spans of each node.
 */
export function checkRefreshes(
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

/** The versions of a campaign, by number. */
export interface Versions {
  readonly campaign: string;
  readonly found: readonly number[];
  /** Those that had grown too old while they were not active. */
  readonly old: readonly number[];
}

/** Retention must have removed the old versions, and no others. */
export function checkVersions(all: readonly Versions[], { lost, leftOver }: Pick<Verdict, 'lost' | 'leftOver'>): void {
  for (const { campaign, found, old } of all) {
    const numbers = Array.from({ length: Math.max(0, ...found) }, (_, i) => i + 1);
    for (const version of numbers) {
      const isFound = found.includes(version);
      if (isFound && old.includes(version)) leftOver.push(`${campaign}: the old version ${version}`);
      if (!isFound && !old.includes(version)) lost.push(`${campaign}: version ${version}, which was not old`);
    }
  }
}

interface SchedulesOptions {
  readonly stage: Stage;
  readonly world: World;
  readonly counts: CallCounts;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #ids: string[] = [];
  readonly #old = new Map<string, Set<number>>();
  #sizes = 0;
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
      const body = { name, features, seeds, audience: { size: SIZES[0] }, refresh: { every: '1m' } };
      const { json } = await this.#call('POST', '/v1/campaigns', body, { 'idempotency-key': name });
      this.#ids.push(json.id);
      this.#old.set(json.id, new Set());
    }
  }

  /** Makes all versions that are not active too old. False if there are none. @throws Unexpected */
  async age(): Promise<boolean> {
    this.#sizes += 1;
    const audience = { size: SIZES[this.#sizes % SIZES.length] };
    for (const id of this.#ids) await this.#call('PATCH', `/v1/campaigns/${id}`, { audience });
    // they stay inactive, because nobody goes back to a former version
    const inactive = await this.#query<{ id: string; version: string }>(
      `SELECT c.id, a.version FROM audiences a JOIN campaigns c ON c.number = a.campaign
       WHERE ${this.#isOwn()} AND a.version IS DISTINCT FROM c.active_version`,
    );
    for (const { id, version } of inactive) this.#old.get(id)!.add(Number(version));
    // repeated if Postgres is restarted meanwhile, whether or not it was committed
    await this.#query(
      `UPDATE audiences a SET created_at = a.created_at - ${OLD_MS} FROM campaigns c
       WHERE c.number = a.campaign AND ${this.#isOwn()} AND a.version IS DISTINCT FROM c.active_version
         AND a.created_at > ${systemClock.now() - OLD_MS}`,
    );
    return inactive.length > 0;
  }

  /** Ends the schedules. @throws Unexpected */
  async end(): Promise<void> {
    this.#until = systemClock.now();
    for (const id of this.#ids) await this.#call('PATCH', `/v1/campaigns/${id}`, { refresh: { every: null } });
  }

  /** Ends nodes one after another until retention has removed what is old: whichever leads next does so at once. */
  async check(verdict: Verdict): Promise<ScheduleCounts> {
    const { nodes } = this.#options.stage;
    const end = performance.now() + RETENTION_MS;
    let versions = await this.#versions();
    for (let round = 0; versions.some(hasOld) && performance.now() < end; round++) {
      const { member } = nodes[round % nodes.length]!;
      await member.leave(false);
      await member.ready();
      await sleep(PRUNING_MS);
      versions = await this.#versions();
    }
    checkVersions(versions, verdict);
    const old = versions.reduce((sum, one) => sum + one.old.length, 0);
    const disturbances = nodes.map((node) => node.disturbances);
    const refreshes = checkRefreshes(await this.#refreshes(), { until: this.#until, disturbances }, verdict);
    return { refreshes, old };
  }

  async #versions(): Promise<Versions[]> {
    const rows = await this.#query<{ id: string; version: string }>(
      `SELECT c.id, a.version FROM audiences a JOIN campaigns c ON c.number = a.campaign WHERE ${this.#isOwn()}`,
    );
    return this.#ids.map((campaign) => ({
      campaign,
      found: rows.filter(({ id }) => id === campaign).map(({ version }) => Number(version)),
      old: [...this.#old.get(campaign)!],
    }));
  }

  async #refreshes(): Promise<Refresh[]> {
    const rows = await this.#query<{ id: string; cause: string; from: string; to: string }>(
      `SELECT c.id, e.cause, e.created_at AS "from", e.updated_at AS "to"
       FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE ${this.#isOwn()} ORDER BY e.number`,
    );
    return rows.map(({ id, cause, from, to }) => ({
      campaign: id,
      cause,
      createdAt: Number(from),
      endedAt: Number(to),
    }));
  }

  #isOwn(): string {
    return `c.id IN (${this.#ids.map((id) => `'${id}'`).join(', ')})`;
  }

  async #query<Row>(text: string): Promise<Row[]> {
    for (const end = performance.now() + QUERY_MS; ; await sleep(PAUSE_MS)) {
      try {
        return await this.#options.stage.postgres.query<Row>(text);
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }

  #call(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const { stage, counts } = this.#options;
    return persist({ program: stage.front, counts }, [method, path, body], { headers });
  }
}

function hasOld({ found, old }: Versions): boolean {
  return found.some((version) => old.includes(version));
}
