/** A client of a chaos run: it changes campaigns of its own, and keeps a ledger of what was acknowledged. */
import { isEnd } from '../../src/campaigns/states.ts';
import type { Rng } from '../../src/lib/rng.ts';
import { type CallCounts, type CallOptions, persist } from './persistent-call.ts';
import type { Answer, Program } from './program.ts';
import { type ChaosWorld, seedsOf, VARIANTS } from './world.ts';

/** What was acknowledged of a campaign. */
export interface Entry {
  /** Also its name: each is used once. */
  readonly key: string;
  readonly id: string;
  /** Which campaign of the world it is. */
  readonly campaign: number;
  /** Which of its sets of seeds it has now. */
  variant: number;
  /** The set of seeds of each expansion, by its id. */
  readonly expansions: Map<string, number>;
  readonly cancelled: Set<string>;
  size: number;
  /** Acknowledged changes of the size. */
  resizes: number;
  /** The version that was made active last, where nothing came after. */
  active: number | null;
  isDeleted: boolean;
}

/** What the clients of a run share. */
export interface Shared {
  readonly program: Program;
  readonly world: ChaosWorld;
  readonly counts: CallCounts;
  /** Acknowledged actions by name. */
  readonly actions: Map<string, number>;
  /** How many of the world's victims are erased: one after another. */
  erased: number;
  isErasing: boolean;
  readonly mostErased: number;
}

const SIZES = [10, 25, 50, 75, 100];
const MOST_CAMPAIGNS = 3;
/** A campaign with so many expansions is deleted at the next occasion. */
const MOST_EXPANSIONS = 12;

/** Actions on a campaign by how often each is chosen. */
const WEIGHTS = { expand: 5, upload: 4, resize: 4, rollBack: 3, cancel: 3, erase: 1, delete: 1 } as const;
type Action = keyof typeof WEIGHTS;
const ACTIONS = Object.keys(WEIGHTS) as readonly Action[];
const ALL_WEIGHTS = ACTIONS.reduce((sum, name) => sum + WEIGHTS[name], 0);

export class Client {
  readonly ledger: Entry[] = [];
  readonly #name: string;
  readonly #shared: Shared;
  readonly #rng: Rng;

  constructor(name: string, shared: Shared, rng: Rng) {
    this.#name = name;
    this.#shared = shared;
    this.#rng = rng;
  }

  /** One action, acknowledged when it returns. @throws Unexpected */
  async step(): Promise<void> {
    const open = this.ledger.filter((entry) => !entry.isDeleted);
    const full = open.find((entry) => entry.expansions.size >= MOST_EXPANSIONS);
    if (full !== undefined) return this.#done('delete', () => this.#delete(full));
    if (open.length === 0 || (open.length < MOST_CAMPAIGNS && this.#rng.integer(8) === 0))
      return this.#done('create', () => this.#create());
    const entry = open[this.#rng.integer(open.length)]!;
    const action = this.#choose();
    return this.#done(action, () => this.#act(action, entry));
  }

  #choose(): Action {
    const drawn = this.#rng.integer(ALL_WEIGHTS);
    let sum = 0;
    for (const name of ACTIONS) {
      sum += WEIGHTS[name];
      if (drawn < sum) return name;
    }
    throw new Error('the weights have another sum');
  }

  async #done(name: string, act: () => Promise<boolean>): Promise<void> {
    const { actions } = this.#shared;
    if (await act()) actions.set(name, (actions.get(name) ?? 0) + 1);
  }

  #act(action: Action, entry: Entry): Promise<boolean> {
    switch (action) {
      case 'expand':
        return this.#expand(entry);
      case 'upload':
        return this.#upload(entry);
      case 'resize':
        return this.#resize(entry);
      case 'rollBack':
        return this.#rollBack(entry);
      case 'cancel':
        return this.#cancel(entry);
      case 'erase':
        return this.#erase();
      case 'delete':
        return this.#delete(entry);
    }
  }

  #call(method: string, path: string, body?: unknown, options?: CallOptions) {
    return persist(this.#shared, [method, path, body], options);
  }

  async #get(path: string): Promise<Answer['json']> {
    return (await this.#call('GET', path))!.json;
  }

  async #create(): Promise<boolean> {
    const { world } = this.#shared;
    const [campaign, variant] = [this.#rng.integer(world.campaigns.length), this.#rng.integer(VARIANTS)];
    const key = `${this.#name}-${this.ledger.length}`;
    const size = SIZES[this.#rng.integer(SIZES.length)]!;
    const { features } = world.campaigns[campaign]!;
    const body = { name: key, features, seeds: seedsOf(world.campaigns[campaign]!, variant), audience: { size } };
    const { json } = (await this.#call('POST', '/v1/campaigns', body, { headers: { 'idempotency-key': key } }))!;
    const entry: Entry = {
      ...{ key, id: json.id as string, campaign, variant, size, resizes: 0, active: null, isDeleted: false },
      ...{ expansions: new Map(), cancelled: new Set() },
    };
    this.ledger.push(entry);
    await this.#learn(entry);
    return true;
  }

  /** Expansions that are new since the last look: they have the seeds that the campaign has now. */
  async #learn(entry: Entry): Promise<number> {
    const { items } = await this.#get(`/v1/campaigns/${entry.id}/expansions?limit=200`);
    const fresh = (items as { id: string }[]).filter(({ id }) => !entry.expansions.has(id));
    for (const { id } of fresh) entry.expansions.set(id, entry.variant);
    return fresh.length;
  }

  async #expand(entry: Entry): Promise<boolean> {
    const isDone = async () => (await this.#learn(entry)) > 0;
    const answer = await this.#call('POST', `/v1/campaigns/${entry.id}/expansions`, undefined, { isDone });
    if (answer !== null) entry.expansions.set(answer.json.id, entry.variant);
    entry.active = null;
    return true;
  }

  /** As a whole, or as the difference. */
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

  /** Only where no expansion is about to make another version active. */
  async #rollBack(entry: Entry): Promise<boolean> {
    const { state } = await this.#get(`/v1/campaigns/${entry.id}`);
    const { items } = await this.#get(`/v1/campaigns/${entry.id}/audiences`);
    if (!isEnd(state) || items.length < 2) return false;
    const { version } = items[this.#rng.integer(items.length)];
    await this.#call('PUT', `/v1/campaigns/${entry.id}/audience`, { version });
    entry.active = version;
    return true;
  }

  async #cancel(entry: Entry): Promise<boolean> {
    const last = [...entry.expansions.keys()].at(-1)!;
    const path = `/v1/campaigns/${entry.id}/expansions/${last}/cancel`;
    const answer = await this.#call('POST', path, undefined, { accept: [409] });
    if (answer?.status !== 200) return false;
    entry.cancelled.add(last);
    return true;
  }

  async #delete(entry: Entry): Promise<boolean> {
    const answer = (await this.#call('DELETE', `/v1/campaigns/${entry.id}`, undefined, { accept: [404] }))!;
    if (answer.status === 404 && answer.broken === 0) throw new Error(`the campaign ${entry.key} is lost`);
    entry.isDeleted = true;
    return true;
  }

  async #erase(): Promise<boolean> {
    const { world, mostErased } = this.#shared;
    if (this.#shared.isErasing || this.#shared.erased >= Math.min(mostErased, world.victims.length)) return false;
    this.#shared.isErasing = true;
    try {
      await this.#call('DELETE', `/v1/users/${world.victims[this.#shared.erased]}`);
      this.#shared.erased += 1;
    } finally {
      this.#shared.isErasing = false;
    }
    return true;
  }
}
