/** A chaos run of a service or a cluster: clients that keep ledgers, random faults, a calm end, and the verdict. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { Client, type Shared } from './client.ts';
import { compareAll, type Stored } from './comparison.ts';
import type { Span } from './corruption.ts';
import type { Member } from './member.ts';
import { undisturbed } from './reference.ts';
import { type Inputs, keyOf } from './sighting.ts';
import type { Summary } from './summary.ts';
import { checkLedgers, emptyVerdict, type Scene, type Verdict } from './verdict.ts';
import type { ChaosWorld } from './world.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly seed: string;
  /** The folder of the run, which the caller removes. */
  readonly folder: string;
  readonly note: (line: string) => void;
  /** Receives the log of all processes at the end. */
  readonly keepLog?: (log: string) => void;
}

/** What is done at random times. Returns false if there was nothing to do it to, or it had no effect. */
export type Deed = (rng: Rng) => Promise<boolean>;

/** Deeds that are done one after another. Kills are apart from other faults, so that they also strike during these. */
export interface Loop {
  /** Between two deeds, in milliseconds. */
  readonly pause: { readonly least: number; readonly most: number };
  /** Waits for the moment of the next deed. */
  readonly before?: (rng: Rng, isOver: () => boolean) => Promise<void>;
  readonly deeds: Readonly<Record<string, Deed>>;
}

/** What a run torments: a service on one machine, or a cluster. */
export interface Target {
  readonly isOfCluster: boolean;
  readonly shared: Shared;
  readonly members: readonly Member[];
  readonly loops: Readonly<Record<'kills' | 'faults' | 'operations', Loop>>;
  readonly leftOut: Readonly<Record<string, string>>;
  readonly hasClockJumped: () => boolean;
  /** The users who were erased, in order, and when. */
  readonly erased: () => { readonly users: readonly string[]; readonly spans: readonly Span[] };
  /** Begins once all clients have a campaign. */
  begin(): Promise<void>;
  /** Ends what disturbs the target, and serves the population version with all users. */
  relieve(): Promise<void>;
  /** Work that is not done yet. */
  pending(): Promise<readonly unknown[]>;
  scene(): Scene;
  /** Checks more than the ledgers, ends all processes, and checks what they leave. Returns notes for the summary. */
  end(served: readonly Stored[], run: Outcome): Promise<string[]>;
  close(): Promise<void>;
}

/** Problems of a run. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly errors: string[];
}

/** Maximum pause of a client between two actions, in milliseconds; the average is half of it. */
const CLIENT_PAUSE_MS = 500;
const CALM_MS = 180_000;
/** A run of this length meets each possible fault. */
const LONG_SECONDS = 300;
const LAST_DEEDS = 20;

export async function runChaos(
  open: (world: ChaosWorld, options: ChaosOptions, rng: Rng) => Promise<Target>,
  world: ChaosWorld,
  options: ChaosOptions,
): Promise<Summary> {
  const rng = createRng(options.seed);
  const target = await open(world, options, rng);
  try {
    options.note(`chaos for ${options.seconds} s, seed ${options.seed}`);
    return await new Run(target, options, rng).all();
  } finally {
    options.keepLog?.(target.members.map(({ name, log }) => `=== ${name}\n${log}`).join('\n'));
    for (const member of target.members) member.end();
    await target.close();
  }
}

class Run {
  readonly #target: Target;
  readonly #options: ChaosOptions;
  readonly #rng: Rng;
  readonly #clients: readonly Client[];
  readonly #met = { kills: new Map(), faults: new Map(), operations: new Map() };
  readonly #unmet = new Map<string, number>();
  /** Every deed with its times, in order. */
  readonly #history: string[] = [];
  readonly #outcome: Outcome = { verdict: emptyVerdict(), errors: [] };

  constructor(target: Target, options: ChaosOptions, rng: Rng) {
    this.#target = target;
    this.#options = options;
    this.#rng = rng;
    this.#clients = Array.from(
      { length: options.clients },
      (_, i) => new Client(`c${i}`, target.shared, rng.fork(`client ${i}`)),
    );
  }

  async all(): Promise<Summary> {
    const target = this.#target;
    const { note, folder } = this.#options;
    const { verdict } = this.#outcome;
    const { world, sightings, entries } = target.shared;
    await Promise.all(this.#clients.map((client) => client.step()));
    await this.#calm();
    await target.begin();
    await this.#torment();
    note('calm, and the verdict');
    await target.relieve();
    await this.#calm();
    const served = await checkLedgers(target.scene(), entries, verdict);
    const all = [...served, ...sightings];
    const wanted = new Map<string, Inputs>(all.map((one) => [keyOf(one), one]));
    const { users, spans } = target.erased();
    note(`comparing ${all.length} audiences with ${wanted.size} of a service that nothing disturbs`);
    const [reference, notes] = await Promise.all([
      undisturbed({ ...world, victims: users }, folder, [...wanted.values()], users.length),
      target.end(served, this.#outcome),
    ]);
    const hasClockJumped = target.hasClockJumped();
    compareAll(all, { reference, erased: new Set(users), erasures: spans, hasClockJumped }, verdict);
    return this.#summarise(users.length, notes);
  }

  /** Runs clients and faults at the same time. */
  async #torment(): Promise<void> {
    const { errors } = this.#outcome;
    const end = performance.now() + 1000 * this.#options.seconds;
    const isOver = () => performance.now() > end || errors.length > 0;
    const act = async (client: Client, rng: Rng) => {
      while (!isOver()) {
        await client.step().catch((error: Error) => errors.push(String(error.stack)));
        await sleep(rng.integer(CLIENT_PAUSE_MS));
      }
    };
    const { kills, faults, operations } = this.#target.loops;
    await Promise.all([
      ...this.#clients.map((client, i) => act(client, this.#rng.fork(`pauses ${i}`))),
      this.#repeat(kills, this.#met.kills, this.#rng.fork('kills'), isOver),
      this.#repeat(faults, this.#met.faults, this.#rng.fork('faults'), isOver),
      this.#repeat(operations, this.#met.operations, this.#rng.fork('operations'), isOver),
    ]);
  }

  async #repeat({ pause, before, deeds }: Loop, met: Map<string, number>, rng: Rng, isOver: () => boolean) {
    const own = Object.entries(deeds);
    let deck: typeof own = [];
    while (own.length > 0) {
      await sleep(pause.least + rng.integer(pause.most - pause.least));
      await before?.(rng, isOver);
      if (isOver()) return;
      // each comes once before any comes again
      if (deck.length === 0) deck = [...own];
      const [name, deed] = deck.splice(rng.integer(deck.length), 1)[0]!;
      const from = timeOfDay();
      const isMet = await deed(rng).catch((error: NodeJS.ErrnoException) => {
        // another fault had already ended the process, or the disk was full before
        if (error.code !== 'ESRCH' && error.code !== 'ENOSPC') this.#outcome.errors.push(`${name}: ${error.stack}`);
        return false;
      });
      const counts = isMet ? met : this.#unmet;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      this.#history.push(`${from} to ${timeOfDay()} ${name}${isMet ? '' : ' (not met)'}`);
    }
  }

  /** Waits until nothing is left to do. */
  async #calm(): Promise<void> {
    const { members } = this.#target;
    for (const end = performance.now() + CALM_MS; ; await sleep(100)) {
      const rows = await this.#target.pending();
      if (rows.length === 0) return;
      if (performance.now() < end) continue;
      const logs = members.map(({ name, log }) => `=== ${name}\n${log.slice(-4000)}`);
      throw new Error(
        ['this work is never done:', ...rows.map((row) => JSON.stringify(row))]
          .concat(this.#history.slice(-LAST_DEEDS), logs)
          .join('\n'),
      );
    }
  }

  #summarise(erased: number, notes: readonly string[]): Summary {
    const { isOfCluster, loops, leftOut, members, shared } = this.#target;
    const { seed, seconds, clients } = this.#options;
    const { verdict, errors } = this.#outcome;
    const { kills, faults, operations } = this.#met;
    if (seconds >= LONG_SECONDS)
      for (const name of Object.values(loops).flatMap(({ deeds }) => Object.keys(deeds)))
        if (![kills, faults, operations].some((met) => met.has(name))) errors.push(`never met: ${name}`);
    return {
      isOfCluster,
      seed,
      seconds,
      clients,
      starts: members.reduce((sum, { starts }) => sum + starts, 0),
      kills: Object.fromEntries(kills),
      faults: Object.fromEntries(faults),
      operations: Object.fromEntries(operations),
      unmet: Object.fromEntries(this.#unmet),
      leftOut,
      actions: Object.fromEntries(shared.actions),
      requests: shared.counts,
      campaigns: shared.entries.length,
      expansions: shared.entries.reduce((sum, { expansions }) => sum + expansions.size, 0),
      erased,
      verdict,
      errors,
      notes,
    };
  }
}

/** As in the service's log. */
function timeOfDay(): string {
  return new Date(systemClock.now()).toISOString().slice(11, 23);
}
