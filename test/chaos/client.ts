/** A client of a chaos run: it changes its own campaigns, and keeps a ledger of what was acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExpansionState, isEnd } from '../../src/domain/states.ts';
import type { Rng } from '../../src/lib/rng.ts';
import type { Answer, Callable } from './member.ts';
import { type CallCounts, type CallOptions, persist } from './persistent-call.ts';
import { lookAt, type Sighting } from './sighting.ts';
import { seedsOf, VARIANTS, type World } from './world.ts';

/** The acknowledged state of a campaign. */
export interface Entry {
  /** Also the campaign's name: each is used once. */
  readonly key: string;
  readonly id: string;
  /** The index of the campaign in the world. */
  readonly campaign: number;
  /** The index of its current set of seeds. */
  variant: number;
  /** The set of seeds of each expansion, by expansion id. */
  readonly expansions: Map<string, number>;
  readonly cancelled: Set<string>;
  size: number;
  /** Acknowledged changes of the size. */
  resizes: number;
  /** Acknowledged changes of the active version. */
  rollBacks: number;
  /** The version that was activated last, if nothing came after. */
  active: number | null;
  isDeleted: boolean;
}

/** What the clients of a run share. */
export interface Shared {
  readonly program: Callable;
  readonly world: World;
  /** Erases a user; false if nobody may be erased at the moment. */
  readonly erase: (rng: Rng) => Promise<boolean>;
  readonly counts: CallCounts;
  /** Acknowledged actions by name. */
  readonly actions: Map<string, number>;
  /** The audiences that were read. */
  readonly sightings: Sighting[];
  /** The campaigns of all clients. */
  readonly entries: Entry[];
}

export function newShared(
  program: Callable,
  world: World,
  erase: Shared['erase'] = () => Promise.resolve(false),
): Shared {
  const counts = { acknowledged: 0, refused: 0, broken: 0 };
  return { program, world, erase, counts, actions: new Map(), sightings: [], entries: [] };
}

const SIZES = [10, 25, 50, 75, 100];
const MOST_CAMPAIGNS = 3;
/** One in this many does not wait for its expansion; the others do, for at most this long. */
const HASTE = 3;
const SETTLE_MS = 15_000;
const SETTLE_PAUSE_MS = 200;
/** A campaign with this many expansions is deleted at the next opportunity. */
const MOST_EXPANSIONS = 12;

export class Client {
  readonly #own: Entry[] = [];
  readonly #name: string;
  readonly #shared: Shared;
  readonly #rng: Rng;
  /** Each action on a campaign as often as its weight. */
  readonly #deck: readonly (readonly [name: string, act: (entry: Entry) => Promise<boolean>])[];

  constructor(name: string, shared: Shared, rng: Rng) {
    this.#name = name;
    this.#shared = shared;
    this.#rng = rng;
    const actions = {
      expand: { weight: 3, act: this.#expand },
      read: { weight: 6, act: this.#read },
      upload: { weight: 3, act: this.#upload },
      resize: { weight: 3, act: this.#resize },
      rollBack: { weight: 5, act: this.#rollBack },
      cancel: { weight: 1, act: this.#cancel },
      erase: { weight: 1, act: () => shared.erase(rng) },
      delete: { weight: 1, act: this.#delete },
    };
    this.#deck = Object.entries(actions).flatMap(([action, { weight, act }]) =>
      Array.from({ length: weight }, () => [action, act.bind(this)] as const),
    );
  }

  /**
   * One action, acknowledged when it returns.
   * @throws Unexpected
   */
  async step(): Promise<void> {
    const open = this.#own.filter((entry) => !entry.isDeleted);
    const full = open.find((entry) => entry.expansions.size >= MOST_EXPANSIONS);
    if (full !== undefined) return this.#done('delete', () => this.#delete(full));
    if (open.length === 0 || (open.length < MOST_CAMPAIGNS && this.#rng.integer(8) === 0))
      return this.#done('create', () => this.#create());
    const entry = open[this.#rng.integer(open.length)]!;
    const [name, act] = this.#deck[this.#rng.integer(this.#deck.length)]!;
    return this.#done(name, () => act(entry));
  }

  async #done(name: string, act: () => Promise<boolean>): Promise<void> {
    const { actions } = this.#shared;
    if (await act()) actions.set(name, (actions.get(name) ?? 0) + 1);
  }

  #call(method: string, path: string, body?: unknown, options?: CallOptions) {
    return persist(this.#shared, [method, path, body], options);
  }

  async #get(path: string): Promise<Answer['json']> {
    return (await this.#call('GET', path)).json;
  }

  async #create(): Promise<boolean> {
    const { world } = this.#shared;
    const [campaign, variant] = [this.#rng.integer(world.campaigns.length), this.#rng.integer(VARIANTS)];
    const key = `${this.#name}-${this.#own.length}`;
    const size = SIZES[this.#rng.integer(SIZES.length)]!;
    const { features } = world.campaigns[campaign]!;
    const body = { name: key, features, seeds: seedsOf(world.campaigns[campaign]!, variant), audience: { size } };
    const { json } = await this.#call('POST', '/v1/campaigns', body, { headers: { 'idempotency-key': key } });
    const entry: Entry = {
      key,
      id: json.id,
      campaign,
      variant,
      expansions: new Map([[json.expansion_id, variant]]),
      cancelled: new Set(),
      size,
      resizes: 0,
      rollBacks: 0,
      active: null,
      isDeleted: false,
    };
    this.#own.push(entry);
    this.#shared.entries.push(entry);
    await this.#settle(entry);
    return true;
  }

  async #expand(entry: Entry): Promise<boolean> {
    const headers = { 'idempotency-key': `${entry.key}-${entry.expansions.size}` };
    const { json } = await this.#call('POST', `/v1/campaigns/${entry.id}/expansions`, undefined, { headers });
    entry.expansions.set(json.id, entry.variant);
    entry.active = null;
    await this.#settle(entry);
    return true;
  }

  /** Usually waits for the requested expansion; otherwise the next action may interrupt it. */
  async #settle({ id }: Entry): Promise<void> {
    if (this.#rng.integer(HASTE) === 0) return;
    const end = performance.now() + SETTLE_MS;
    for (let state = 'queued'; !isEnd(state as ExpansionState) && performance.now() < end; ) {
      await sleep(SETTLE_PAUSE_MS);
      const answer = await this.#shared.program.call('GET', `/v1/campaigns/${id}`).catch(() => null);
      state = answer?.json?.state ?? state;
    }
  }

  /** Tries once: a refused client reads another time. */
  async #read(entry: Entry): Promise<boolean> {
    const { sighting } = await lookAt(this.#shared, entry, null);
    if (sighting !== null) this.#shared.sightings.push(sighting);
    return sighting !== null;
  }

  /** Reads the whole audience, or the difference. */
  async #upload(entry: Entry): Promise<boolean> {
    const variant = this.#rng.integer(VARIANTS);
    const campaign = this.#shared.world.campaigns[entry.campaign]!;
    const [before, after] = [seedsOf(campaign, entry.variant), seedsOf(campaign, variant)];
    const path = `/v1/campaigns/${entry.id}/seeds`;
    const text = (ids: readonly string[]) => ids.map((id) => JSON.stringify({ user_id: id })).join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    if (variant === entry.variant || this.#rng.integer(2) === 0)
      await this.#call('PUT', path, text(after), { headers });
    else if (after.length > before.length)
      await this.#call('POST', `${path}/add`, text(after.slice(before.length)), { headers });
    else await this.#call('POST', `${path}/remove`, text(before.slice(after.length)), { headers });
    entry.variant = variant;
    return true;
  }

  async #resize(entry: Entry): Promise<boolean> {
    const size = SIZES[this.#rng.integer(SIZES.length)]!;
    await this.#call('PATCH', `/v1/campaigns/${entry.id}`, { audience: { size } });
    Object.assign(entry, { size, resizes: entry.resizes + 1, active: null });
    return true;
  }

  /** Only if no expansion is about to make another version active. */
  async #rollBack(entry: Entry): Promise<boolean> {
    const { state } = await this.#get(`/v1/campaigns/${entry.id}`);
    const { items } = await this.#get(`/v1/campaigns/${entry.id}/audiences`);
    if (!isEnd(state) || items.length < 2) return false;
    const { version } = items[this.#rng.integer(items.length)];
    await this.#call('PUT', `/v1/campaigns/${entry.id}/audience`, { version });
    Object.assign(entry, { active: version, rollBacks: entry.rollBacks + 1 });
    return true;
  }

  async #cancel(entry: Entry): Promise<boolean> {
    const last = [...entry.expansions.keys()].at(-1)!;
    const path = `/v1/campaigns/${entry.id}/expansions/${last}/cancel`;
    const answer = await this.#call('POST', path, undefined, { accept: [409] });
    if (answer.status === 409) return false;
    entry.cancelled.add(last);
    return true;
  }

  async #delete(entry: Entry): Promise<boolean> {
    const answer = await this.#call('DELETE', `/v1/campaigns/${entry.id}`, undefined, { accept: [404] });
    if (answer.status === 404 && answer.earlier === 0) throw new Error(`the campaign ${entry.key} is lost`);
    entry.isDeleted = true;
    return true;
  }
}
