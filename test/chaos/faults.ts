/** The faults of a service as a table: one row each, and a new fault needs nothing else. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import type { Rng } from '../../src/lib/rng.ts';
import type { FakeClock } from '../fixture/fake-clock.ts';
import { fillDisk } from '../fixture/full-disk.ts';
import { isAlive } from '../fixture/processes.ts';
import { ROOT } from '../fixture/projects.ts';
import type { Shared } from './client.ts';
import { type Corruption, flipBit, isOpen } from './corruption.ts';
import type { Answer, Member } from './member.ts';
import type { EventReceiver } from './receiver.ts';
import { lookAt } from './sighting.ts';
import { storedVersions } from './stored.ts';
import type { ChaosWorld } from './world.ts';

/** The targets of faults. */
export interface Patient {
  readonly program: Member;
  readonly receiver: EventReceiver;
  readonly world: ChaosWorld;
  readonly dataDir: string;
  readonly population: string;
  readonly corruption: Corruption;
  /** The clients' campaigns, and what they have read: also the original contents of what is corrupted. */
  readonly shared: Pick<Shared, 'sightings' | 'entries'>;
  /** Whether the data folder is a small file system of its own. */
  readonly isMounted: boolean;
  /** The service's clock; null without libfaketime. */
  readonly clock: FakeClock | null;
  /** Until then (in `performance.now` time) nothing is killed, so that something can finish. */
  readonly truce: { until: number };
}

interface Fault {
  /** Kills have their own loop, so that they also strike while another fault lasts. */
  readonly isKill?: true;
  /** It sends requests to the service, which must be ready. */
  readonly isOfWork?: true;
  /** Why the fault cannot be injected here, or null. */
  readonly obstacle?: (patient: Patient) => string | null;
  /**
   * Injects the fault, and reverts it if it lasts. False if there was nothing to inject it into, or the service did not
   * meet it: damage that nobody reads proves nothing.
   */
  readonly strike: (patient: Patient, rng: Rng) => Promise<boolean>;
}

/** Duration of a fault in milliseconds. */
const LASTS = { least: 500, most: 3000 } as const;
/** Around SQLite's busy timeout of five seconds. */
const BUSY = { least: 1000, most: 7000 } as const;
/** No file of a process whose writes fail may grow beyond this. */
const SMALL_FILE_BYTES = 4096;
const FILLER = 'filler';
const RANKING_FILES = ['scores.f32', 'order.u32'] as const;
/** A model check that takes longer than this is abandoned. */
const CHECK_MS = 60_000;
const READY_MS = 20_000;
/** A hanging engine is replaced within this time. */
const HANG_MS = 40_000;
/** The database is saved within this time. */
const SAVED_MS = 10_000;
/** An expansion or the scrubber reads damaged data within this time. */
const MET_MS = 20_000;
const TRUCE_MS = READY_MS + CHECK_MS;
const HOLD = 'test/chaos/children/hold-write-lock.ts';

export const FAULTS: Readonly<Record<string, Fault>> = {
  'engine killed': { isKill: true, strike: async ({ program }) => program.kill('engine') },
  'API killed': { isKill: true, strike: async ({ program }) => program.kill('parent') },
  'both killed': { isKill: true, strike: async ({ program }) => program.kill() },
  'service stopped': { strike: async ({ program }) => (await program.leave(false)) !== null },
  'engine stands still': {
    strike: async ({ program }, rng) => {
      const { engine } = program;
      if (engine === null || !signal(engine, 'SIGSTOP')) return false;
      await sleep(between(rng, LASTS));
      signal(engine, 'SIGCONT');
      return true;
    },
  },
  'engine hangs': { isOfWork: true, strike: hangEngine },
  "database's log removed": { isOfWork: true, strike: removeLog },
  'clock jumps': {
    obstacle: ({ clock }) => (clock === null ? 'there is no libfaketime' : null),
    strike: async ({ clock, corruption }, rng) => {
      corruption.hasClockJumped = true;
      const jumps = ['+3h', '-2h', '+40d', '-1d'];
      clock!.set(jumps[rng.integer(jumps.length)]!);
      await sleep(between(rng, LASTS));
      // back, which is another jump, or further on from there
      if (rng.integer(2) === 0) clock!.set('+0');
      return true;
    },
  },
  'disk full': {
    obstacle: ({ isMounted }) => (isMounted ? null : 'no tmpfs can be mounted'),
    strike: async ({ dataDir }, rng) => {
      const filler = join(dataDir, FILLER);
      fillDisk(filler);
      await sleep(between(rng, LASTS));
      rmSync(filler, { recursive: true, force: true });
      return true;
    },
  },
  'writes fail': {
    obstacle: () => (spawnSync('prlimit', ['--version']).status === 0 ? null : 'there is no prlimit'),
    strike: async ({ program }, rng) => {
      const pids = [program.pid, program.engine].filter((pid) => pid !== null);
      pids.forEach((pid) => {
        limitFiles(pid, String(SMALL_FILE_BYTES));
      });
      await sleep(between(rng, LASTS));
      pids.forEach((pid) => {
        limitFiles(pid, 'unlimited');
      });
      return pids.length > 0;
    },
  },
  'SQLite busy': {
    strike: async ({ dataDir }, rng) => {
      const args = ['scripts/run.mjs', HOLD, join(dataDir, 'metaheac.db'), String(between(rng, BUSY))];
      const [code] = await once(spawn(process.execPath, args, { cwd: ROOT, stdio: 'ignore' }), 'exit');
      return code === 0;
    },
  },
  'webhook receiver hangs': {
    strike: async ({ receiver }, rng) => {
      receiver.answer('none');
      await sleep(between(rng, LASTS));
      receiver.answer(200);
      return true;
    },
  },
  'population switched': {
    isOfWork: true,
    strike: async ({ program, world }, rng) => {
      const version = world.versions[rng.integer(world.versions.length)];
      const answer = await program.call('POST', `/v1/populations/${version}/activate`).catch(() => null);
      return answer?.status === 200;
    },
  },
  'model switched': { strike: switchModel },
  'ranking corrupted': { isOfWork: true, strike: corruptRanking },
  'segment corrupted': { isOfWork: true, strike: corruptSegment },
};

/** Damages a segment of the served population until the service reports that it found the damage. */
async function corruptSegment({ program, population, corruption }: Patient, rng: Rng): Promise<boolean> {
  const status = await statusOf(program);
  if (status === null) return false;
  const folder = join(population, status.versions.population, 'segments');
  const files = readdirSync(folder);
  const file = files[rng.integer(files.length)]!;
  const span = { from: systemClock.now(), to: Number.POSITIVE_INFINITY };
  corruption.segments.push(span);
  const flipBack = flipBit(join(folder, file), rng);
  const isMet = await untilDamaged(program, (path) => path.endsWith(`segments/${file}`));
  flipBack();
  span.to = systemClock.now();
  return isMet;
}

/**
 * The acknowledged data is saved from the open connection; then both processes are killed, and the next start puts it
 * back.
 */
async function removeLog({ program, dataDir, truce }: Patient): Promise<boolean> {
  const isSaved = () => readdirSync(dataDir).some((name) => /^metaheac\.db\.saved-.*Z$/.test(name));
  const end = performance.now() + SAVED_MS;
  truce.until = end;
  try {
    if (program.engine === null || isSaved()) return false;
    rmSync(join(dataDir, 'metaheac.db-wal'), { force: true });
    while (performance.now() < end && !isSaved()) await sleep(50);
    const isMet = isSaved();
    program.kill();
    return isMet;
  } finally {
    truce.until = 0;
  }
}

/** The supervisor has to notice, kill the engine, and start another. */
async function hangEngine({ program, truce }: Patient): Promise<boolean> {
  const { engine } = program;
  if (engine === null || !signal(engine, 'SIGSTOP')) return false;
  const end = performance.now() + HANG_MS;
  truce.until = end;
  try {
    while (performance.now() < end && isAlive(engine)) await sleep(100);
    return !isAlive(engine);
  } finally {
    truce.until = 0;
    signal(engine, 'SIGCONT');
  }
}

/** The service's status; null while it cannot answer. */
async function statusOf(program: Member): Promise<Answer['json'] | null> {
  const answer = await program.call('GET', '/v1/status').catch(() => null);
  return answer?.status === 200 ? answer.json : null;
}

/** Whether the service reports within a while that such a file is damaged. */
async function untilDamaged(program: Member, isMeant: (path: string) => boolean): Promise<boolean> {
  const end = performance.now() + MET_MS;
  while (performance.now() < end) {
    const files: { path: string }[] = (await statusOf(program))?.damage.files ?? [];
    if (files.some(({ path }) => isMeant(path))) return true;
    await sleep(100);
  }
  return false;
}

/**
 * True if another model is served at the end. One switch in four is not protected from kills, which may make it fail.
 */
async function switchModel({ program, world, truce }: Patient, rng: Rng): Promise<boolean> {
  const start = performance.now();
  if (rng.integer(4) > 0) truce.until = start + TRUCE_MS;
  try {
    const isReady = async () => (await program.call('GET', '/readyz').catch(() => null))?.status === 200;
    while (performance.now() < start + READY_MS && !(await isReady())) await sleep(100);
    return await isOtherServed({ program, world }, rng);
  } finally {
    truce.until = 0;
  }
}

async function isOtherServed({ program, world }: Pick<Patient, 'program' | 'world'>, rng: Rng): Promise<boolean> {
  const call = (method: string, path: string) => program.call(method, path).catch(() => null);
  const served = (await call('GET', '/v1/models/current'))?.json?.version;
  const [first, second] = world.models;
  const other = served === first.version ? second.version : first.version;
  const [kind, named] = served === first.version || rng.integer(2) === 0 ? ['activate', other] : ['rollback', served];
  const answer = await call('POST', `/v1/models/${named}/${kind}`);
  if (answer?.status !== 202) return false;
  const end = performance.now() + CHECK_MS;
  while (performance.now() < end) {
    const state = (await call('GET', `/v1/models/${other}`))?.json?.check?.state;
    if (state === 'served' || state === 'refused') return state === 'served';
    await sleep(100);
  }
  return false;
}

/**
 * Damages a ranking that the API process does not have open and so has not verified: it must refuse it from then on, or
 * have served it from memory. Rankings that it has already verified are found by the scrubber.
 */
async function corruptRanking(patient: Patient, rng: Rng): Promise<boolean> {
  const { program, dataDir, corruption, shared, world } = patient;
  const { pid } = program;
  if (pid === null) return false;
  const closed = storedVersions(dataDir).filter(
    ({ folder }) => !corruption.rankings.has(folder) && !isOpen(pid, folder),
  );
  const active = closed.filter(({ isActive }) => isActive === 1);
  // left to chance, it would be a version that is no longer active, which is not made again
  const targets = active.length > 0 && rng.integer(4) > 0 ? active : closed;
  const hit = targets[rng.integer(Math.max(1, targets.length))];
  if (hit === undefined) return false;
  corruption.rankings.add(hit.folder);
  try {
    flipBit(join(dataDir, hit.folder, RANKING_FILES[rng.integer(RANKING_FILES.length)]!), rng);
  } catch (error) {
    // it was deleted meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
  const known = shared.entries.find(({ id }) => id === hit.id);
  const look = known && (await lookAt({ program, world }, known, hit.version));
  if (look?.sighting) shared.sightings.push(look.sighting);
  // it was read and refused, or found by the scrubber, and may have been made again before that is seen
  const isMeant = (path: string) => path.startsWith(hit.folder) || hit.folder.startsWith(path);
  if (look?.sighting === null && look.status === 503) return true;
  return untilDamaged(program, isMeant);
}

function between(rng: Rng, { least, most }: { readonly least: number; readonly most: number }): number {
  return least + rng.integer(most - least);
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** A soft limit, so that it can be reverted. The process may have ended. */
function limitFiles(pid: number, bytes: string): void {
  spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}
