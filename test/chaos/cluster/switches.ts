/** Switches the served model and the served population, and sees that all nodes follow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Answer } from '../member.ts';
import { patiently } from '../persistent-call.ts';
import type { ChaosWorld } from '../world.ts';
import type { Freshness } from './freshness.ts';
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

export class Switches {
  readonly #stage: Stage;
  readonly #world: ChaosWorld;
  readonly #freshness: Freshness;

  constructor(stage: Stage, world: ChaosWorld, freshness: Freshness) {
    this.#stage = stage;
    this.#world = world;
    this.#freshness = freshness;
  }

  /** Serves the other version of the population; false if that was refused, or broke off. */
  async population(rng: Rng): Promise<boolean> {
    const { nodes } = this.#stage;
    const { member } = nodes[rng.integer(nodes.length)]!;
    const served = (await json(member.call('GET', '/v1/populations/current')))?.version;
    if (served === undefined) return false;
    const version = this.#world.versions.find((one) => one !== served)!;
    const answer = await member.call('POST', `/v1/populations/${version}/activate`).catch(() => null);
    const since = performance.now();
    if (answer?.status !== 200) return false;
    await this.#freshness.watch(`population ${version}`, this.#asks('populations', version), since, FRESH_MS);
    return true;
  }

  /** Serves the version that has all users, on all nodes: others refuse audiences with users whom they do not have. */
  async allUsers(): Promise<void> {
    const { front, nodes } = this.#stage;
    const version = this.#world.versions.at(-1)!;
    const { status } = await patiently(front, 'POST', `/v1/populations/${version}/activate`);
    if (status !== 200) throw new Error(`the version with all users is refused with ${status}`);
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
    // a check is refused while the engine of the node starts
    await member.isReadyWithin(NODES_READY_MS);
    const served = (await json(member.call('GET', '/v1/models/current')))?.version;
    if (served === undefined) return false;
    const { version } = this.#world.models.find((one) => one.version !== served)!;
    const [kind, named] = rng.integer(2) === 0 ? ['activate', version] : ['rollback', served];
    const answer = await member.call('POST', `/v1/models/${named}/${kind}`).catch(() => null);
    if (answer?.status !== 202) return false;
    const end = performance.now() + CHECK_MS;
    for (;;) {
      const check = (await json(member.call('GET', `/v1/models/${version}`)))?.check;
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
      const { status, json } = await member.call('GET', `/v1/${what}/current`);
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
