/** A chaos run of a cluster: clients that keep ledgers, random faults, a calm end, and the verdict. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng, type Rng } from '../../../src/lib/rng.ts';
import { Client, type Shared } from '../client.ts';
import { compareAll } from '../comparison.ts';
import { undisturbed } from '../reference.ts';
import type { ChaosOptions } from '../run.ts';
import { type Inputs, keyOf, type Sighting } from '../sighting.ts';
import { emptyVerdict, type Verdict } from '../verdict.ts';
import type { World } from '../world.ts';
import { FAULTS } from './faults.ts';
import { FrontDoor } from './front-door.ts';
import { openStage, type Stage } from './stage.ts';
import type { ClusterSummary } from './summary.ts';
import { checkCluster, leftOver } from './verdict.ts';

const PAUSES = { kills: { least: 4000, most: 12_000 }, others: { least: 1000, most: 4000 } } as const;
const CLIENT_PAUSE_MS = 500;
const CALM_MS = 180_000;
/** A run of this length meets each fault. */
const LONG_SECONDS = 300;

export async function runClusterChaos(world: World, options: ChaosOptions): Promise<ClusterSummary> {
  const { folder, seed, seconds, note } = options;
  // Postgres runs as another user
  chmodSync(folder, 0o755);
  const rng = createRng(seed);
  note('starting Postgres, object storage, two nodes and three engines');
  const stage = await openStage(world, folder, rng.fork('stage'));
  process.once('exit', () => [...stage.nodes, ...stage.engines].forEach(({ member }) => void member.end()));
  try {
    note(`chaos in a cluster for ${seconds} s, seed ${seed}`);
    return await new Run(stage, world, options, rng).all();
  } finally {
    const logs = [...stage.nodes, ...stage.engines].map(({ member }) => `=== ${member.name}\n${member.log}`);
    options.keepLog?.(logs.join('\n'));
    await stage.close();
  }
}

class Run {
  readonly #stage: Stage;
  readonly #options: ChaosOptions;
  readonly #rng: Rng;
  readonly #shared: Shared;
  readonly #clients: readonly Client[];
  readonly #faults = new Map<string, number>();
  readonly #unmet = new Map<string, number>();
  readonly #errors: string[] = [];

  constructor(stage: Stage, world: World, options: ChaosOptions, rng: Rng) {
    this.#stage = stage;
    this.#options = options;
    this.#rng = rng;
    const nodes = stage.nodes.map(({ member }) => member);
    this.#shared = {
      ...{ program: new FrontDoor(nodes, rng.fork('front door')), world },
      ...{ counts: { acknowledged: 0, refused: 0, broken: 0 }, actions: new Map(), sightings: [], erasures: [] },
      // users are not erased: the commands of `elsewhere.ts` have no data folder here
      ...{ erased: 0, isErasing: false, mostErased: 0, population: '', dataDir: '' },
    };
    this.#clients = Array.from(
      { length: options.clients },
      (_, i) => new Client(`c${i}`, this.#shared, rng.fork(`client ${i}`)),
    );
  }

  async all(): Promise<ClusterSummary> {
    const { note, folder, seconds, seed, clients } = this.#options;
    const { world, counts, actions, program } = this.#shared;
    await Promise.all(this.#clients.map((client) => client.step()));
    await this.#torment();
    note('calm, and the verdict');
    for (const { member } of this.#stage.nodes) await member.ready();
    const entries = this.#clients.flatMap(({ ledger }) => ledger);
    const verdict = emptyVerdict();
    await this.#calm();
    const served = await checkCluster({ program, world }, entries, verdict);
    const sightings: Sighting[] = [...this.#shared.sightings, ...served];
    const wanted = new Map<string, Inputs>(sightings.map((one) => [keyOf(one), one]));
    const starts = [...this.#stage.nodes, ...this.#stage.engines].reduce((sum, { member }) => sum + member.starts, 0);
    await this.#end(verdict);
    await this.#checkLeft(verdict);
    note(`making ${wanted.size} audiences in a service that is alone`);
    const reference = await undisturbed(world, folder, [...wanted.values()], 0);
    compareAll(sightings, { reference, erased: new Set(), erasures: [], hasClockJumped: false }, verdict);
    const isKill = ([name]: readonly [string, number]) => FAULTS[name]?.isKill === true;
    const missing = Object.keys(FAULTS).filter((name) => !this.#faults.has(name));
    if (seconds >= LONG_SECONDS) this.#errors.push(...missing.map((name) => `never met: ${name}`));
    return {
      ...{ seed, seconds, clients, starts, requests: counts, verdict, errors: this.#errors },
      kills: [...this.#faults].filter(isKill).reduce((sum, [, count]) => sum + count, 0),
      ...{ faults: Object.fromEntries(this.#faults), unmet: Object.fromEntries(this.#unmet) },
      actions: Object.fromEntries(actions),
      campaigns: entries.length,
      expansions: entries.reduce((sum, { expansions }) => sum + expansions.size, 0),
    };
  }

  async #torment(): Promise<void> {
    const end = performance.now() + this.#options.seconds * 1000;
    const isOver = () => performance.now() > end;
    const clients = this.#clients.map(async (client, i) => {
      const rng = this.#rng.fork(`pauses ${i}`);
      while (!isOver()) {
        await client.step().catch((error: Error) => void this.#errors.push(String(error.stack)));
        await sleep(rng.integer(CLIENT_PAUSE_MS));
      }
    });
    await Promise.all([...clients, this.#strike('kills', isOver), this.#strike('others', isOver)]);
  }

  async #strike(kind: keyof typeof PAUSES, isOver: () => boolean): Promise<void> {
    const rng = this.#rng.fork(kind);
    const own = Object.entries(FAULTS).filter(([, { isKill = false }]) => isKill === (kind === 'kills'));
    const { least, most } = PAUSES[kind];
    let deck: typeof own = [];
    for (;;) {
      await sleep(least + rng.integer(most - least));
      if (isOver()) return;
      // each comes once before any comes again
      if (deck.length === 0) deck = [...own];
      const [name, fault] = deck.splice(rng.integer(deck.length), 1)[0]!;
      const isMet = await fault.strike(this.#stage, rng).catch((error: NodeJS.ErrnoException) => {
        // a kill had already ended the process
        if (error.code !== 'ESRCH') this.#errors.push(`${name}: ${error.stack}`);
        return false;
      });
      const counts = isMet ? this.#faults : this.#unmet;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }

  /** Waits until no job is left. */
  async #calm(): Promise<void> {
    const end = performance.now() + CALM_MS;
    for (;;) {
      const jobs = await this.#stage.postgres.query<{ id: string }>('SELECT id, owner FROM jobs');
      if (jobs.length === 0) return;
      if (performance.now() > end) throw new Error(`still running: ${JSON.stringify(jobs)}`);
      await sleep(200);
    }
  }

  /** After the last process has ended. */
  async #checkLeft(verdict: Verdict): Promise<void> {
    verdict.leftOver.push(...(await leftOver(this.#stage, join(this.#options.folder, 'cache-verdict'))));
  }

  async #end(verdict: Verdict): Promise<void> {
    for (const { member } of [...this.#stage.engines, ...this.#stage.nodes]) {
      const code = await member.leave(true);
      if (code !== 0) this.#errors.push(`${member.name} ended with ${code}`);
      const left = member.end();
      if (left > 0) verdict.leftOver.push(`${left} processes of ${member.name}`);
    }
  }
}
