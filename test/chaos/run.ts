/** A chaos run: clients that keep ledgers, random faults, a calm end, and the verdict. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { publishModel } from '../../src/model/promotion.ts';
import { type FakeClock, HAS_FAKE_CLOCK, openFakeClock } from '../fixture/fake-clock.ts';
import type { SmallWorld } from '../fixture/make-tiny-world.ts';
import { openReceiver, type Receiver } from '../http/webhooks/receiver.ts';
import { calm, untilMended } from './calm.ts';
import { Client, type Shared } from './client.ts';
import { compareAll } from './comparison.ts';
import { Corruption } from './corruption.ts';
import { FAULTS, type Patient } from './faults.ts';
import { checkEvents, checkFolders } from './leftovers.ts';
import { type Held, Program } from './program.ts';
import { undisturbed } from './reference.ts';
import { type Inputs, keyOf, type Sighting } from './sighting.ts';
import { obstaclesOf, strikeAll, type Tally } from './strike.ts';
import type { Summary } from './summary.ts';
import { checkLedgers, emptyVerdict, type Verdict } from './verdict.ts';
import { type ChaosWorld, makeChaosWorld } from './world.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly seed: string;
  /** The folder of the run, which the caller removes. */
  readonly folder: string;
  readonly note: (line: string) => void;
  /** Receives the service's log at the end. */
  readonly keepLog?: (log: string) => void;
}

/** The size of the data folder's file system, if it can have its own. */
const DISK = '96m';
/** Maximum pause of a client between two actions, in milliseconds; the average is half of it. */
const CLIENT_PAUSE_MS = 500;
/** Each erasure makes every comparison key longer, so there are few. */
const SECONDS_PER_ERASURE = 40;
/** This share of the initial memory counts as the same level: new and old processes differ. */
const MEMORY_FACTOR = 1.5;
/** A run of this length meets each possible fault. */
const LONG_SECONDS = 300;
/** What a process logs when it ends because of a bug. */
const CRASH = /^.*(Unhandled 'error' event|UnhandledPromiseRejection|AssertionError|terminate called).*$/gm;
const SETTINGS = {
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  METAHEAC_RETAINED_VERSIONS: '1000',
  // a kill must not use up the attempts of the expansion that it ends
  METAHEAC_MAXIMUM_ATTEMPTS: '100',
  // the disk is smaller than the space that is kept free by default
  METAHEAC_DISK_RESERVE_BYTES: '2000000',
};
const LIMITS = { webhookTimeoutMs: 2_000, readyFreeBytes: 2_000_000, scrubPauseMs: 1_000 };

export async function runChaos(tiny: SmallWorld, options: ChaosOptions): Promise<Summary> {
  const { folder, note } = options;
  const world = await makeChaosWorld(tiny, folder);
  const [dataDir, population] = [join(folder, 'data'), join(folder, 'population')];
  cpSync(world.pristine, population, { recursive: true });
  mkdirSync(dataDir);
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', dataDir]).status === 0;
  const unmount = () => isMounted && spawnSync('umount', ['--lazy', dataDir]);
  // before the folder is removed
  process.prependOnceListener('exit', unmount);
  const receiver = await openReceiver();
  await publishModel(join(dataDir, 'models'), world.models[1].folder);
  const model = world.models[0].folder;
  const clock = HAS_FAKE_CLOCK ? openFakeClock(join(folder, 'time')) : null;
  const env = { ...SETTINGS, ...clock?.env };
  const program = await Program.start({ dataDir, model, population, threads: 1, env, limits: LIMITS });
  try {
    note(`chaos for ${options.seconds} s, seed ${options.seed}`);
    return await new Run({ program, receiver, world, dataDir, population, isMounted, clock }, options).all();
  } finally {
    options.keepLog?.(program.log);
    program.killAll();
    await receiver.close();
    unmount();
    process.off('exit', unmount);
  }
}

interface Stage {
  readonly program: Program;
  readonly receiver: Receiver;
  readonly world: ChaosWorld;
  readonly dataDir: string;
  readonly population: string;
  readonly isMounted: boolean;
  readonly clock: FakeClock | null;
}

class Run {
  readonly #stage: Stage;
  readonly #options: ChaosOptions;
  readonly #rng: Rng;
  readonly #sightings: Sighting[] = [];
  readonly #shared: Shared;
  readonly #clients: readonly Client[];
  readonly #patient: Patient;
  readonly #tally: Tally = { faults: new Map(), unmet: new Map(), history: [], errors: [] };

  constructor(stage: Stage, options: ChaosOptions) {
    this.#stage = stage;
    this.#options = options;
    this.#rng = createRng(options.seed);
    const { program, world } = stage;
    this.#shared = {
      ...{ program, world, counts: { acknowledged: 0, refused: 0, broken: 0 }, actions: new Map() },
      ...{ sightings: this.#sightings, erasures: [], erased: 0, isErasing: false },
      ...{ population: stage.population, dataDir: stage.dataDir },
      mostErased: Math.ceil(options.seconds / SECONDS_PER_ERASURE),
    };
    this.#clients = Array.from(
      { length: options.clients },
      (_, i) => new Client(`c${i}`, this.#shared, this.#rng.fork(`client ${i}`)),
    );
    const find = (id: string) => this.#clients.flatMap(({ ledger }) => ledger).find((entry) => entry.id === id);
    this.#patient = { ...stage, sightings: this.#sightings, corruption: new Corruption(), find, truce: { until: 0 } };
  }

  async all(): Promise<Summary> {
    const { program, receiver, world, dataDir } = this.#stage;
    const { note, folder } = this.#options;
    const { errors } = this.#tally;
    const { corruption } = this.#patient;
    await program.call('POST', '/v1/webhooks', { url: receiver.url });
    await Promise.all(this.#clients.map((client) => client.step()));
    await this.#calm();
    const atFirst = program.held();
    await this.#torment();
    note('calm, and the verdict');
    const verdict = emptyVerdict();
    this.#stage.clock?.set('+0');
    await program.ready();
    // the first version does not have all ranked users
    await program.call('POST', `/v1/populations/${world.versions[1]}/activate`);
    await this.#calm();
    verdict.lost.push(...(await untilMended(dataDir, corruption)));
    const stored = await checkLedgers({ program, world, dataDir, corruption }, this.#entries(), verdict);
    const atLast = program.held();
    if (atLast.bytes > MEMORY_FACTOR * atFirst.bytes)
      errors.push(`memory went from ${atFirst.bytes} to ${atLast.bytes} bytes`);
    const all = [...stored, ...this.#sightings];
    const wanted = new Map<string, Inputs>(all.map((one) => [keyOf(one), one]));
    const byModel = world.models.map(({ version }) => all.filter((one) => one.modelVersion === version).length);
    note(`comparing ${all.length} audiences (${byModel.join(' and ')} by model) with ${wanted.size} undisturbed ones`);
    const { erased, erasures } = this.#shared;
    // the undisturbed services are separate: they need not wait until this one has ended
    const [reference] = await Promise.all([
      undisturbed(world, folder, [...wanted.values()], erased),
      this.#end(verdict),
    ]);
    const { hasClockJumped } = corruption;
    const gone = new Set(world.victims.slice(0, erased));
    compareAll(all, { reference, erased: gone, erasures, hasClockJumped }, verdict);
    return this.#summarise({ verdict, events: this.#received().size, memory: { atFirst, atLast } });
  }

  /** Runs clients and faults at the same time. */
  async #torment(): Promise<void> {
    const { errors } = this.#tally;
    const end = performance.now() + 1000 * this.#options.seconds;
    const isOver = () => performance.now() > end || errors.length > 0;
    const act = async (client: Client, own: Rng) => {
      while (!isOver()) {
        await client.step().catch((error: Error) => errors.push(error.message));
        await sleep(own.integer(CLIENT_PAUSE_MS));
      }
    };
    await Promise.all([
      ...this.#clients.map((client, i) => act(client, this.#rng.fork(`pauses ${i}`))),
      strikeAll(this.#patient, 'kills', this.#rng.fork('kills'), { ...this.#tally, isOver }),
      strikeAll(this.#patient, 'others', this.#rng.fork('faults'), { ...this.#tally, isOver }),
    ]);
  }

  /** Ends the service, and checks what it leaves. */
  async #end(verdict: Verdict): Promise<void> {
    const { program, dataDir, population } = this.#stage;
    const { corruption } = this.#patient;
    await this.#stop(verdict);
    const leftProcesses = await program.leftProcesses();
    if (leftProcesses > 0) verdict.leftOver.push(`${leftProcesses} processes`);
    const crashes = program.log.match(CRASH) ?? [];
    this.#tally.errors.push(...crashes.map((line) => `the log has: ${line}`));
    await checkFolders(dataDir, population, corruption, verdict);
    checkEvents(dataDir, this.#received(), verdict);
  }

  /** Ids of the received webhooks. */
  #received(): ReadonlySet<string> {
    return new Set(this.#stage.receiver.received.map(({ headers }) => String(headers['webhook-id'])));
  }

  /** Starts twice: after the second start, leftovers are gone, and erased users are still unknown. */
  async #stop(verdict: Verdict): Promise<void> {
    const { program, world } = this.#stage;
    const exitCode = await program.terminate(true);
    if (exitCode !== 0) this.#tally.errors.push(`the service ended with ${exitCode}: ${program.log.slice(-2000)}`);
    await program.startAgain();
    for (const user of world.victims.slice(0, this.#shared.erased)) {
      const { status } = await program.call('GET', `/v1/users/${user}/audiences`);
      if (status !== 404) verdict.lost.push(`${user} was erased but is known again (${status})`);
    }
    await program.terminate(true);
  }

  #calm(): Promise<void> {
    const { program, dataDir } = this.#stage;
    return calm({ program, dataDir, history: this.#tally.history }, this.#entries());
  }

  #entries() {
    return this.#clients.flatMap(({ ledger }) => ledger);
  }

  #summarise(
    given: Pick<Summary, 'verdict' | 'events'> & { readonly memory: Record<'atFirst' | 'atLast', Held> },
  ): Summary {
    const { seed, seconds, clients } = this.#options;
    const { faults, unmet, errors } = this.#tally;
    const leftOut = obstaclesOf(this.#patient);
    if (seconds >= LONG_SECONDS)
      for (const name of Object.keys(FAULTS))
        if (!faults.has(name) && !Object.hasOwn(leftOut, name)) errors.push(`no service met: ${name}`);
    const { actions, counts, erased } = this.#shared;
    const entries = this.#entries();
    const { atFirst, atLast } = given.memory;
    return {
      ...{ seed, seconds, clients, starts: this.#stage.program.starts },
      kills: Object.entries(FAULTS).reduce((sum, [name, one]) => sum + (one.isKill ? (faults.get(name) ?? 0) : 0), 0),
      faults: Object.fromEntries(faults),
      unmet: Object.fromEntries(unmet),
      leftOut,
      actions: Object.fromEntries(actions),
      ...{ requests: counts, campaigns: entries.length, erased, events: given.events },
      expansions: entries.reduce((sum, { expansions }) => sum + expansions.size, 0),
      memory: { atFirst: atFirst.bytes, atLast: atLast.bytes },
      ...{ verdict: given.verdict, errors },
    };
  }
}
