/** A chaos run: clients that keep ledgers, faults at random, a calm end, and the verdict. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import type { SmallWorld } from '../fixture/make-tiny-world.ts';
import { openReceiver } from '../server/webhooks/receiver.ts';
import { Client, type Shared } from './client.ts';
import { FAULTS, LEFT_OUT, type Patient } from './faults.ts';
import { Program } from './program.ts';
import { type Inputs, keyOf, undisturbed } from './reference.ts';
import type { Summary } from './summary.ts';
import { checkEvents, checkFolders, checkLedgers, compareAudiences, emptyVerdict } from './verdict.ts';
import { makeChaosWorld } from './world.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly seed: string;
  /** The folder of the run, which its caller removes. */
  readonly folder: string;
  readonly note: (line: string) => void;
}

/** Of the data folder, where it can be a file system of its own. */
const DISK = '192m';
/** Pauses, in milliseconds: of a client between two actions, and between two faults of each loop. */
const CLIENT_PAUSE_MS = 150;
const KILL_PAUSE_MS = { least: 1500, most: 5000 } as const;
const FAULT_PAUSE_MS = { least: 200, most: 2000 } as const;
/** An erasure takes a place in every key of the comparison, so there are few. */
const SECONDS_PER_ERASURE = 20;
const CALM_MS = 120_000;
/** So much of the memory that was held at first is its level still: new processes and old ones differ. */
const MEMORY_FACTOR = 1.5;
const SETTINGS = {
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  METAHEAC_WEBHOOK_TIMEOUT_MS: '2000',
  METAHEAC_RETAINED_VERSIONS: '1000',
  // a kill is no fault of the expansion that it ends
  METAHEAC_MAXIMUM_ATTEMPTS: '100',
};

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
  const program = await Program.start({ dataDir, model: world.model, population, threads: 1, env: SETTINGS });
  try {
    note(`chaos for ${options.seconds} s, seed ${options.seed}`);
    return await torment({ program, receiver, world, dataDir, isMounted }, population, options);
  } finally {
    program.killAll();
    await receiver.close();
    unmount();
    process.off('exit', unmount);
  }
}

async function torment(patient: Patient, population: string, options: ChaosOptions): Promise<Summary> {
  const { program, receiver, world, dataDir } = patient;
  const { seconds, seed, note } = options;
  const rng = createRng(seed);
  const faults = new Map<string, number>();
  const errors: string[] = [];
  const shared: Shared = {
    ...{ program, world, counts: { acknowledged: 0, refused: 0, broken: 0 }, actions: new Map() },
    ...{ erased: 0, isErasing: false, mostErased: Math.ceil(seconds / SECONDS_PER_ERASURE) },
  };
  const clients = Array.from(
    { length: options.clients },
    (_, i) => new Client(`c${i}`, shared, rng.fork(`client ${i}`)),
  );
  await program.call('POST', '/v1/webhooks', { url: receiver.url });
  await Promise.all(clients.map((client) => client.step()));
  await calm(program, clients);
  const atFirst = program.held();
  const end = performance.now() + 1000 * seconds;
  const isOver = () => performance.now() > end || errors.length > 0;
  const act = async (client: Client, own: Rng) => {
    while (!isOver()) {
      await client.step().catch((error: Error) => errors.push(error.message));
      await sleep(own.integer(2 * CLIENT_PAUSE_MS));
    }
  };
  await Promise.all([
    ...clients.map((client, i) => act(client, rng.fork(`pauses ${i}`))),
    strikeAll(patient, true, KILL_PAUSE_MS, rng.fork('kills'), { faults, errors, isOver }),
    strikeAll(patient, false, FAULT_PAUSE_MS, rng.fork('faults'), { faults, errors, isOver }),
  ]);
  note('calm, and the verdict');
  const verdict = emptyVerdict();
  const entries = clients.flatMap(({ ledger }) => ledger);
  await program.ready();
  await calm(program, clients);
  const made = await checkLedgers({ program, dataDir }, world, entries, verdict);
  const wanted = new Map<string, Inputs>(made.map((one) => [keyOf(one), one]));
  const atLast = program.held();
  const exitCode = await program.terminate(true);
  if (exitCode !== 0) errors.push(`the service ended with ${exitCode}: ${program.log.slice(-2000)}`);
  await stopAgain(program);
  const leftProcesses = await program.leftProcesses();
  if (leftProcesses > 0) verdict.leftOver.push(`${leftProcesses} processes`);
  checkFolders(dataDir, population, verdict);
  const received = new Set(receiver.received.map(({ headers }) => String(headers['webhook-id'])));
  checkEvents(dataDir, received, verdict);
  note(`comparing ${made.length} audiences with ${wanted.size} undisturbed ones`);
  compareAudiences(made, await undisturbed(world, options.folder, [...wanted.values()], shared.erased), verdict);
  if (atLast.bytes > MEMORY_FACTOR * atFirst.bytes)
    errors.push(`memory went from ${atFirst.bytes} to ${atLast.bytes} bytes`);
  return {
    ...{ seed, seconds, clients: options.clients, starts: program.starts },
    kills: Object.entries(FAULTS).reduce((sum, [name, { isKill }]) => sum + (isKill ? (faults.get(name) ?? 0) : 0), 0),
    faults: Object.fromEntries(faults),
    leftOut: { ...LEFT_OUT, ...obstaclesOf(patient) },
    actions: Object.fromEntries(shared.actions),
    requests: shared.counts,
    campaigns: entries.length,
    expansions: entries.reduce((sum, { expansions }) => sum + expansions.size, 0),
    erased: shared.erased,
    events: received.size,
    memory: { atFirst: atFirst.bytes, atLast: atLast.bytes },
    verdict,
    errors,
  };
}

/** Strikes with what the table has, at random, until it is over. */
async function strikeAll(
  patient: Patient,
  isKill: boolean,
  { least, most }: { readonly least: number; readonly most: number },
  rng: Rng,
  { faults, errors, isOver }: { faults: Map<string, number>; errors: string[]; isOver: () => boolean },
): Promise<void> {
  const obstacles = obstaclesOf(patient);
  const own = Object.entries(FAULTS).filter(
    ([name, fault]) => (fault.isKill === true) === isKill && !Object.hasOwn(obstacles, name),
  );
  for (;;) {
    await sleep(least + rng.integer(most - least));
    if (isOver()) return;
    const [name, fault] = own[rng.integer(own.length)]!;
    const isDone = await fault.strike(patient, rng).catch((error: NodeJS.ErrnoException) => {
      // the process had ended already, by another fault; a disk may be full before it is filled
      if (error.code !== 'ESRCH' && error.code !== 'ENOSPC') errors.push(`${name}: ${error.message}`);
      return false;
    });
    if (isDone) faults.set(name, (faults.get(name) ?? 0) + 1);
  }
}

function obstaclesOf(patient: Patient): Record<string, string> {
  const found = Object.entries(FAULTS).map(([name, { obstacle }]) => [name, obstacle?.(patient) ?? null] as const);
  return Object.fromEntries(found.filter((one): one is [string, string] => one[1] !== null));
}

/** Waits until no expansion is due or runs. */
async function calm(program: Program, clients: readonly Client[]): Promise<void> {
  const end = performance.now() + CALM_MS;
  const open = clients.flatMap(({ ledger }) => ledger.filter(({ isDeleted }) => !isDeleted));
  for (const { id, key } of open)
    for (;;) {
      const state = (await program.call('GET', `/v1/campaigns/${id}`).catch(() => null))?.json?.state;
      if (state !== undefined && !['queued', 'adapting', 'scoring'].includes(state)) break;
      if (performance.now() > end) throw new Error(`${key} is still ${state}: ${program.log.slice(-4000)}`);
      await sleep(50);
    }
}

/** What the next start has to clean up is gone after it. */
async function stopAgain(program: Program): Promise<void> {
  await program.startAgain();
  await program.terminate(true);
}
