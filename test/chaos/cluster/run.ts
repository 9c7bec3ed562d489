/** A chaos run of a cluster: clients that keep ledgers, random faults and operations, a calm end, and the verdict. */
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
import type { ChaosWorld } from '../world.ts';
import { checkEvents, type EventCounts, type EventRow } from './deliveries.ts';
import { Eraser, HELD_AFTERWARDS } from './eraser.ts';
import { checkErasures, type ErasureFacts } from './erasures.ts';
import { FAULTS } from './faults.ts';
import { Freshness } from './freshness.ts';
import { type FrontDoor, patiently } from './front-door.ts';
import { Leaders } from './leaders.ts';
import { checkLeft, checkUpkeep } from './leftovers.ts';
import { NODES_READY_MS, OPERATIONS } from './operations.ts';
import { Schedules } from './schedules.ts';
import { openStage, type Stage, WEBHOOKS } from './stage.ts';
import type { ClusterSummary } from './summary.ts';
import { Switches } from './switches.ts';
import { tracesOf } from './traces.ts';
import { checkCluster } from './verdict.ts';

const PAUSES = {
  kills: { least: 4000, most: 12_000 },
  faults: { least: 1000, most: 4000 },
  operations: { least: 2000, most: 8000 },
} as const;
const KINDS = ['kills', 'faults', 'operations'] as const;
const CLIENT_PAUSE_MS = 500;
const CALM_MS = 180_000;
/** A leader may have been replaced this long before it is noticed. */
const LEADER_MOVE_MS = 8_000;
/** Shorter runs have no faults that take most of a minute. */
const MINUTE_SECONDS = 60;
/** A run of this length meets each fault. */
const LONG_SECONDS = 300;

export async function runClusterChaos(world: ChaosWorld, options: ChaosOptions): Promise<ClusterSummary> {
  const { folder, seed, seconds, note } = options;
  // Postgres runs as another user
  chmodSync(folder, 0o755);
  const rng = createRng(seed);
  note('starting Postgres, object storage, two nodes and three engines');
  const stage = await openStage({ world, folder, rng: rng.fork('stage'), note });
  const members = [...stage.nodes, ...stage.engines].map(({ member }) => member);
  process.once('exit', () => members.forEach((member) => void member.end()));
  try {
    note(`chaos in a cluster for ${seconds} s, seed ${seed}`);
    return await new Run(stage, world, options, rng).all();
  } finally {
    options.keepLog?.(members.map(({ name, log }) => `=== ${name}\n${log}`).join('\n'));
    await stage.close();
  }
}

/** Something that is done at random times. Returns false if there was nothing to do it to. */
type Deed = (rng: Rng) => Promise<boolean>;

class Run {
  readonly #stage: Stage;
  readonly #world: ChaosWorld;
  readonly #options: ChaosOptions;
  readonly #rng: Rng;
  readonly #shared: Shared;
  readonly #clients: readonly Client[];
  readonly #freshness: Freshness;
  readonly #eraser: Eraser;
  readonly #leaders: Leaders;
  readonly #schedules: Schedules;
  readonly #switches: Switches;
  readonly #deeds: Readonly<Record<keyof typeof PAUSES, Readonly<Record<string, Deed>>>>;
  readonly #met: Readonly<Record<keyof typeof PAUSES, Map<string, number>>> = {
    ...{ kills: new Map(), faults: new Map(), operations: new Map() },
  };
  readonly #unmet = new Map<string, number>();
  readonly #errors: string[] = [];

  constructor(stage: Stage, world: ChaosWorld, options: ChaosOptions, rng: Rng) {
    this.#stage = stage;
    this.#world = world;
    this.#options = options;
    this.#rng = rng;
    this.#shared = {
      ...{ program: stage.front, world },
      ...{ counts: { acknowledged: 0, refused: 0, broken: 0 }, actions: new Map(), sightings: [], erasures: [] },
      // the clients of a cluster erase nobody
      ...{ erased: 0, isErasing: false, mostErased: 0, population: '', dataDir: '' },
    };
    this.#clients = Array.from(
      { length: options.clients },
      (_, i) => new Client(`c${i}`, this.#shared, rng.fork(`client ${i}`)),
    );
    this.#freshness = new Freshness(stage.nodes);
    this.#leaders = new Leaders(stage.postgres);
    const { counts, sightings } = this.#shared;
    this.#eraser = new Eraser({ stage, world, counts, sightings, freshness: this.#freshness });
    this.#schedules = new Schedules({ stage, world, counts });
    this.#switches = new Switches(stage, world, this.#freshness);
    const operators = { eraser: this.#eraser, switches: this.#switches, schedules: this.#schedules };
    const faults = Object.entries(FAULTS)
      .filter(([, { isLong = false }]) => !isLong || options.seconds >= MINUTE_SECONDS)
      .map(([name, { isKill = false, strike }]) => [name, isKill, (own: Rng) => strike(stage, own)] as const);
    const some = (isKill: boolean) => faults.filter(([, is]) => is === isKill).map(([name, , deed]) => [name, deed]);
    this.#deeds = {
      ...{ kills: Object.fromEntries(some(true)), faults: Object.fromEntries(some(false)) },
      operations: Object.fromEntries(
        Object.entries(OPERATIONS).map(([name, operation]) => [name, (own: Rng) => operation(operators, own)]),
      ),
    };
  }

  async all(): Promise<ClusterSummary> {
    const { note, folder, seconds, seed, clients } = this.#options;
    const { counts, actions } = this.#shared;
    await Promise.all([this.#schedules.begin(), ...this.#clients.map((client) => client.step())]);
    await this.#torment();
    note('calm, and the verdict');
    const { front, nodes, engines } = this.#stage;
    for (const { member } of nodes) await member.ready();
    await this.#switches.allUsers();
    const entries = this.#clients.flatMap(({ ledger }) => ledger);
    const verdict = emptyVerdict();
    await this.#schedules.end();
    await this.#calm();
    const { erased, holders } = this.#eraser;
    const others = new Set([...holders.map(({ id }) => id), ...this.#schedules.ids]);
    const program = { call: (...request: Parameters<FrontDoor['call']>) => patiently(() => front.call(...request)) };
    const served = await checkCluster({ program, world: this.#world, others }, entries, verdict);
    const events = await this.#checkEvents(verdict);
    const answers = await this.#askOfErased();
    // before what retention leaves of the versions is looked for
    const schedules = await this.#schedules.check(verdict);
    await checkUpkeep(this.#stage, verdict);
    await this.#leaders.close();
    const sightings: Sighting[] = [...this.#shared.sightings, ...served];
    const wanted = new Map<string, Inputs>(sightings.map((one) => [keyOf(one), one]));
    const starts = [...nodes, ...engines].reduce((sum, { member }) => sum + member.starts, 0);
    await this.#end(verdict);
    await checkLeft(this.#stage, join(folder, 'cache-verdict'), verdict);
    checkErasures({ erased, served, ...answers, traces: await this.#tracesOfErased() }, verdict);
    note(`making ${wanted.size} audiences in a service that is alone`);
    const victims = erased.map(({ user }) => user);
    const reference = await undisturbed({ ...this.#world, victims }, folder, [...wanted.values()], victims.length);
    const erasures = erased.map(({ span }) => span);
    compareAll(sightings, { reference, erased: new Set(victims), erasures, hasClockJumped: false }, verdict);
    const missing = KINDS.flatMap((kind) =>
      Object.keys(this.#deeds[kind]).filter((name) => !this.#met[kind].has(name)),
    );
    if (seconds >= LONG_SECONDS) this.#errors.push(...missing.map((name) => `never met: ${name}`));
    return {
      ...{ seed, seconds, clients, starts, requests: counts, verdict, errors: this.#errors },
      kills: Object.fromEntries(this.#met.kills),
      faults: Object.fromEntries(this.#met.faults),
      operations: Object.fromEntries(this.#met.operations),
      unmet: Object.fromEntries(this.#unmet),
      actions: Object.fromEntries(actions),
      campaigns: entries.length,
      expansions: entries.reduce((sum, { expansions }) => sum + expansions.size, 0),
      ...{ lags: this.#freshness.lags, late: this.#freshness.late },
      schedules,
      ...{ events, leaders: 1 + this.#leaders.moves.length, erased: erased.length },
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
    const loops = KINDS.map((kind) => this.#repeat(kind, isOver));
    await Promise.all([...clients, ...loops]);
  }

  async #repeat(kind: keyof typeof PAUSES, isOver: () => boolean): Promise<void> {
    const rng = this.#rng.fork(kind);
    const own = Object.entries(this.#deeds[kind]);
    const { least, most } = PAUSES[kind];
    let deck: typeof own = [];
    for (;;) {
      await sleep(least + rng.integer(most - least));
      if (kind === 'operations')
        await Promise.all(this.#stage.nodes.map(({ member }) => member.isReadyWithin(NODES_READY_MS)));
      if (isOver()) return;
      // each comes once before any comes again
      if (deck.length === 0) deck = [...own];
      const [name, deed] = deck.splice(rng.integer(deck.length), 1)[0]!;
      const isMet = await deed(rng).catch((error: NodeJS.ErrnoException) => {
        // a kill had already ended the process
        if (error.code !== 'ESRCH') this.#errors.push(`${name}: ${error.stack}`);
        return false;
      });
      const counts = isMet ? this.#met[kind] : this.#unmet;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }

  /** Waits until no job and no delivery of an event is left. */
  async #calm(): Promise<void> {
    const end = performance.now() + CALM_MS;
    for (const left of [
      'SELECT id, owner FROM jobs',
      `SELECT id, attempts, last_error FROM webhook_deliveries WHERE state = 'pending'`,
    ])
      for (;;) {
        const rows = await this.#stage.postgres.query(left);
        if (rows.length === 0) break;
        if (performance.now() > end) throw new Error(`still there: ${JSON.stringify(rows)}`);
        await sleep(200);
      }
  }

  async #checkEvents(verdict: Verdict): Promise<EventCounts> {
    const { postgres, nodes, receiver } = this.#stage;
    const ready = await postgres.query<{ id: string }>(`SELECT id FROM expansions WHERE state = 'ready'`);
    const moves = this.#leaders.moves.map((at) => ({ from: at - LEADER_MOVE_MS, to: at }));
    return checkEvents(
      {
        ...{ webhooks: WEBHOOKS, received: receiver.received, ready: ready.map(({ id }) => id) },
        events: await postgres.query<EventRow>('SELECT id, type, body FROM webhook_events'),
        entries: this.#clients.flatMap(({ ledger }) => ledger),
        disturbances: [...moves, ...nodes.flatMap(({ disturbances }) => disturbances)],
      },
      verdict,
    );
  }

  /** What nodes answer about erased users, and how many users the lists have that held them. */
  async #askOfErased(): Promise<Pick<ErasureFacts, 'looks' | 'lists'>> {
    const { front, nodes } = this.#stage;
    const { erased, holders } = this.#eraser;
    const looks: ErasureFacts['looks'][number][] = [];
    for (const { user } of erased)
      for (const { member } of nodes) {
        const { status } = await patiently(() => front.at(member, 'GET', `/v1/users/${user}/audiences`));
        looks.push({ node: member.name, user, status });
      }
    const lists: ErasureFacts['lists'][number][] = [];
    for (const { id, user } of holders) {
      const { json } = await patiently(() => front.call('GET', `/v1/campaigns/${id}/seeds`));
      lists.push({ user, left: json.users, expected: HELD_AFTERWARDS });
    }
    return { looks, lists };
  }

  /** After leftovers were removed: files of uploads that were killed hold ids until then. */
  async #tracesOfErased(): Promise<string[]> {
    const { operator } = this.#stage;
    const users = this.#eraser.erased.map(({ user }) => user);
    // an update overwrites the ids in published tables, as the leader does every ten minutes
    if (users.length > 0) await operator.run('population', 'update', '--compact');
    return tracesOf(this.#stage, users);
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
