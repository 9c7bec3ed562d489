/** Erases users who are in served audiences, through any node or by commands, and checks that they stay erased. */
import { systemClock } from '../../../src/lib/clock.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Span } from '../corruption.ts';
import { type CallCounts, persist } from '../persistent-call.ts';
import type { Sighting } from '../sighting.ts';
import type { Verdict } from '../verdict.ts';
import type { World } from '../world.ts';
import type { Freshness } from './freshness.ts';
import type { Stage } from './stage.ts';
import { setsWith } from './traces.ts';

/** Nodes follow an erasure within this time. */
const FRESH_MS = 1_000;
/** An engine that is cut off learns of erasures up to this much later; its expansions say how many it knew of. */
const UNAWARE_MS = 30_000;

/** A campaign whose only seeds of the population are users who are going to be erased. */
export interface Holder {
  readonly id: string;
  readonly user: string;
}

export interface Erased {
  readonly user: string;
  /** How: through the API, or by a command that asks the nodes. */
  readonly by: 'api' | 'command';
  /** Between these times, in ms since 1970; to infinity if it was not acknowledged. */
  readonly span: Span;
}

interface EraserOptions {
  readonly stage: Stage;
  readonly world: World;
  readonly counts: CallCounts;
  readonly freshness: Freshness;
  /** Audiences that were read. */
  readonly sightings: readonly Sighting[];
}

/** Seeds of a holder who are in no population. */
const OTHERS = ['nobody-1', 'nobody-2'];
export const HELD_AFTERWARDS = OTHERS.length;

export class Eraser {
  readonly #options: EraserOptions;
  readonly #mayErase: ReadonlySet<string>;
  readonly #erased: Erased[] = [];
  readonly #holders: Holder[] = [];

  constructor(options: EraserOptions) {
    this.#options = options;
    this.#mayErase = new Set(options.world.victims);
  }

  get holders(): readonly Holder[] {
    return this.#holders;
  }

  /** In the order of the erasures, which do not overlap. */
  get erased(): readonly Erased[] {
    return this.#erased;
  }

  /** Erases one user; false if nobody is left who may be erased. @throws Unexpected */
  async erase(by: Erased['by'], rng: Rng): Promise<boolean> {
    const { stage, freshness, counts } = this.#options;
    const user = this.#choose(rng);
    if (user === null) return false;
    await this.#hold(user);
    const span = { from: systemClock.now(), to: Number.POSITIVE_INFINITY };
    this.#erased.push({ user, by, span });
    if (by === 'command') await stage.operator.erase(user);
    else await persist({ program: stage.front, counts }, ['DELETE', `/v1/users/${user}`]);
    const since = performance.now();
    span.to = systemClock.now() + UNAWARE_MS;
    const isUnknown = async ({ member }: Stage['nodes'][number]) => {
      const { status } = await member.call('GET', `/v1/users/${user}/audiences`);
      if (status !== 200 && status !== 404) throw new Error(`status ${status}`);
      return status === 404;
    };
    await freshness.watch(`${user} is erased (${by})`, isUnknown, since, FRESH_MS);
    return true;
  }

  /** A user of an audience that was read lately, or any user if there is none. */
  #choose(rng: Rng): string | null {
    const gone = new Set(this.#erased.map(({ user }) => user));
    for (const { lines } of [...this.#options.sightings].reverse()) {
      const members = lines.map((line) => JSON.parse(line).user_id as string);
      const possible = members.filter((user) => this.#mayErase.has(user) && !gone.has(user));
      if (possible.length > 0) return possible[rng.integer(possible.length)]!;
    }
    const left = this.#options.world.victims.filter((user) => !gone.has(user));
    return left[rng.integer(Math.max(1, left.length))] ?? null;
  }

  /** Makes the user a seed, and somebody who gave feedback, so that lists, rows and objects hold the user's id. */
  async #hold(user: string): Promise<void> {
    const { stage, world, counts } = this.#options;
    const scene = { program: stage.front, counts };
    const { features } = world.campaigns[0]!;
    // texts of callers may not hold the id: no erasure searches them
    const name = `holder-${this.#holders.length}`;
    const body = { name, features, seeds: [user, ...OTHERS], audience: { size: 10 } };
    const headers = { 'idempotency-key': name };
    const { json } = await persist(scene, ['POST', '/v1/campaigns', body], { headers });
    this.#holders.push({ id: json.id, user });
    // the search that the verdict relies on finds the id now
    if ((await setsWith(stage, user)).length === 0) throw new Error(`no set has the seed ${user}`);
    const events = [{ user_id: user, event: 'click', time: new Date(systemClock.now()).toISOString() }];
    await persist(scene, ['POST', `/v1/campaigns/${json.id}/feedback`, { events }]);
  }
}

/** What is known of erasures at the end. */
export interface ErasureFacts {
  /** In the order of the erasures. */
  readonly erased: readonly Erased[];
  /** Audiences that are served at the end. */
  readonly served: readonly Pick<Sighting, 'name' | 'lines' | 'made' | 'erased'>[];
  /** What nodes answer about erased users: the status of a look-up. */
  readonly looks: readonly { readonly node: string; readonly user: string; readonly status: number }[];
  /** Lists that held an erased user. */
  readonly lists: readonly { readonly user: string; readonly left: number; readonly expected: number }[];
  /** Where ids of erased users are still stored. */
  readonly traces: readonly string[];
}

export function checkErasures(facts: ErasureFacts, { lost, leftOver }: Pick<Verdict, 'lost' | 'leftOver'>): void {
  const { erased, served, looks, lists, traces } = facts;
  const gone = new Set(erased.map(({ user }) => user));
  for (const { name, lines, made, erased: left } of served) {
    const seen = lines.map((line) => JSON.parse(line).user_id as string).filter((user) => gone.has(user));
    for (const user of seen) lost.push(`${name}: it has ${user}, who was erased`);
    const before = erased.filter(({ span }) => span.to < made.from).length;
    if (left < before) lost.push(`${name}: it was made with ${left} erased users, after ${before} erasures`);
  }
  for (const { node, user, status } of looks)
    if (status !== 404) lost.push(`${node} knows ${user}, who was erased (${status})`);
  for (const { user, left, expected } of lists)
    if (left !== expected) lost.push(`the list that held ${user} has ${left} users, not ${expected}`);
  leftOver.push(...traces);
}
