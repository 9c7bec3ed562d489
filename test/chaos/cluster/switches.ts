/** Switches the served model and the served population, and sees that all nodes follow. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Answer } from '../program.ts';
import type { ChaosWorld } from '../world.ts';
import type { Freshness } from './freshness.ts';
import { patiently } from './front-door.ts';
import type { Stage } from './stage.ts';
import type { Station } from './station.ts';

/** Nodes serve a new version within this time. */
const FRESH_MS = 1_000;
/** A model check that takes longer than this is abandoned. */
const CHECK_MS = 90_000;
/** A node that is starting is given this time. */
const NODES_READY_MS = 30_000;
/** Operators try again for this long: kills end most first checks. */
const MODEL_MS = 180_000;
const PAUSE_MS = 500;

/** A population version that was activated, between these times, in ms since 1970. */
export interface PopulationSwitch {
  readonly version: string;
  readonly from: number;
  readonly to: number;
}

export class Switches {
  readonly #stage: Stage;
  readonly #world: ChaosWorld;
  readonly #freshness: Freshness;
  /** Also those whose outcome is not known. */
  readonly #populations: PopulationSwitch[] = [];

  constructor(stage: Stage, world: ChaosWorld, freshness: Freshness) {
    this.#stage = stage;
    this.#world = world;
    this.#freshness = freshness;
  }

  get populations(): readonly PopulationSwitch[] {
    return this.#populations;
  }

  /** Serves the other version of the population; false if that was refused, or broke off. */
  async population(rng: Rng): Promise<boolean> {
    const { front, nodes } = this.#stage;
    const { member } = nodes[rng.integer(nodes.length)]!;
    const served = (await json(front.at(member, 'GET', '/v1/populations/current')))?.version;
    if (served === undefined) return false;
    const version = this.#world.versions.find((one) => one !== served)!;
    const from = systemClock.now();
    const answer = await front.at(member, 'POST', `/v1/populations/${version}/activate`).catch(() => null);
    const since = performance.now();
    this.#populations.push({ version, from, to: systemClock.now() });
    if (answer?.status !== 200) return false;
    await this.#freshness.watch(`population ${version}`, this.#asks('populations', version), since, FRESH_MS);
    return true;
  }

  /** Serves the version that has all users, on all nodes: others refuse audiences with users whom they do not have. */
  async allUsers(): Promise<void> {
    const { front, nodes } = this.#stage;
    const version = this.#world.versions.at(-1)!;
    const from = systemClock.now();
    const { status } = await patiently(() => front.call('POST', `/v1/populations/${version}/activate`));
    if (status !== 200) throw new Error(`the version with all users is refused with ${status}`);
    this.#populations.push({ version, from, to: systemClock.now() });
    const isServed = this.#asks('populations', version);
    for (const node of nodes) while (!(await isServed(node))) await sleep(PAUSE_MS);
  }

  /** Serves the other model, by activation or rollback; false if all attempts were refused, or broke off. */
  async model(rng: Rng): Promise<boolean> {
    const { nodes } = this.#stage;
    const end = performance.now() + MODEL_MS;
    for (let attempt = 1; performance.now() < end; attempt++, await sleep(PAUSE_MS)) {
      const node = nodes[rng.integer(nodes.length)]!;
      const tried = () => this.#model(node, rng);
      if (await (attempt === 1 ? tried() : node.spared(tried))) return true;
    }
    return false;
  }

  async #model({ member }: Station, rng: Rng): Promise<boolean> {
    const { front } = this.#stage;
    // a check is refused while the engine of the node starts
    await member.isReadyWithin(NODES_READY_MS);
    const served = (await json(front.at(member, 'GET', '/v1/models/current')))?.version;
    if (served === undefined) return false;
    const { version } = this.#world.models.find((one) => one.version !== served)!;
    const [kind, named] = rng.integer(2) === 0 ? ['activate', version] : ['rollback', served];
    const answer = await front.at(member, 'POST', `/v1/models/${named}/${kind}`).catch(() => null);
    if (answer?.status !== 202) return false;
    const end = performance.now() + CHECK_MS;
    for (;;) {
      const check = (await json(front.at(member, 'GET', `/v1/models/${version}`)))?.check;
      if (performance.now() > end) return false;
      // a node that is restarted has forgotten its check
      if (check === null || check?.state === 'refused') return false;
      if (check !== undefined && check.started_at !== answer.json.check?.started_at) return false;
      if (check?.state === 'served') break;
      await sleep(20);
    }
    await this.#freshness.watch(`model ${version}`, this.#asks('models', version), performance.now(), FRESH_MS);
    return true;
  }

  #asks(what: 'models' | 'populations', version: string) {
    return async ({ member }: Stage['nodes'][number]) => {
      const { status, json } = await this.#stage.front.at(member, 'GET', `/v1/${what}/current`);
      if (status !== 200) throw new Error(`status ${status}`);
      return json.version === version;
    };
  }
}

/** The body of an answer; undefined if it broke off, or is an error. */
async function json(answer: Promise<Answer>): Promise<Answer['json'] | undefined> {
  const { status, json: body } = (await answer.catch(() => null)) ?? { status: 0, json: undefined };
  return status === 200 ? body : undefined;
}
