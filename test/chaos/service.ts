import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { publishModel } from '../../src/model/promotion.ts';
import { HAS_FAKE_CLOCK, openFakeClock } from '../fixture/fake-clock.ts';
import { mountDisk, unmountDisk } from '../fixture/full-disk.ts';
import { CAN_UNSHARE } from '../fixture/unshare.ts';
import { newShared } from './client.ts';
import { Corruption, type Span } from './corruption.ts';
import { FAULTS, type Patient } from './faults.ts';
import { checkFolders, checkWebhooks } from './leftovers.ts';
import { type Held, serveAlone } from './member.ts';
import { Operator } from './operator.ts';
import { persist } from './persistent-call.ts';
import { EventReceiver } from './receiver.ts';
import type { ChaosOptions, Deed, Outcome, Target } from './run.ts';
import { query, storedVersions } from './stored.ts';
import type { ChaosWorld } from './world.ts';

/** The size of the data folder's file system, if it can have its own. */
const DISK = '96m';
const PAUSES = { kills: { least: 3000, most: 13_000 }, faults: { least: 500, most: 3000 } } as const;
/** Most kills hit a working service, others one that is starting. */
const KILLS_AT_WORK = 4;
/** How long a fault waits for the service to work. */
const AT_WORK_MS = 8000;
/** Each erasure makes every comparison key longer, so there are few. */
const SECONDS_PER_ERASURE = 40;
/** This share of the initial memory counts as the same level: new and old processes differ. */
const MEMORY_FACTOR = 1.5;
/** An engine without its parent ends within this time. */
const ORPHAN_MS = 15_000;
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
const JOBS = `SELECT c.name, e.state, e.reason, j.attempt, j.run_after, j.lease_until, j.owner
  FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign`;

export async function openServiceTarget(world: ChaosWorld, options: ChaosOptions): Promise<Target> {
  const { folder, seconds } = options;
  const [dataDir, population] = [join(folder, 'data'), join(folder, 'population')];
  cpSync(world.pristine, population, { recursive: true });
  mkdirSync(dataDir);
  const isMounted = mountDisk(dataDir, DISK);
  const unmount = () => isMounted && unmountDisk(dataDir);
  // before the folder is removed
  process.prependOnceListener('exit', unmount);
  const receiver = await EventReceiver.open('127.0.0.1');
  await publishModel(join(dataDir, 'models'), world.models[1].folder);
  const model = world.models[0].folder;
  const clock = HAS_FAKE_CLOCK ? openFakeClock(join(folder, 'time')) : null;
  const env = { ...SETTINGS, ...clock?.env };
  const program = await serveAlone({ dataDir, model, population, threads: 1 }, { env, limits: LIMITS });
  await program.call('POST', '/v1/webhooks', { url: receiver.url('/hook') });
  const erasures: Span[] = [];
  const victims = world.victims.slice(0, Math.ceil(seconds / SECONDS_PER_ERASURE));
  const erased = () => victims.slice(0, erasures.filter(({ to }) => to < Number.POSITIVE_INFINITY).length);
  const operator = new Operator({ folder });
  const shared = newShared(program, world, async (rng) => {
    const victim = victims[erased().length];
    if (victim === undefined || erasures.length > erased().length) return false;
    const span = { from: systemClock.now(), to: Number.POSITIVE_INFINITY };
    erasures.push(span);
    if (CAN_UNSHARE && rng.integer(2) === 0) await operator.erase(victim, population, '--data-dir', dataDir);
    else await persist(shared, ['DELETE', `/v1/users/${victim}`]);
    span.to = systemClock.now();
    return true;
  });
  const corruption = new Corruption();
  const patient: Patient = {
    program,
    receiver,
    world,
    dataDir,
    population,
    corruption,
    isMounted,
    clock,
    shared,
    truce: { until: 0 },
  };
  let atFirst: Held | null = null;
  return {
    isOfCluster: false,
    shared,
    members: [program],
    loops: loopsOf(patient),
    leftOut: obstaclesOf(patient),
    hasClockJumped: () => corruption.hasClockJumped,
    erased: () => ({ users: erased(), spans: erasures }),
    begin: async () => {
      atFirst = program.held();
    },
    relieve: async () => {
      clock?.set('+0');
      await program.ready();
      await program.call('POST', `/v1/populations/${world.versions[1]}/activate`);
    },
    pending: async () => [
      ...query(dataDir, JOBS),
      // the scrubber finds them, and they are made again
      ...storedVersions(dataDir).filter(({ isActive, folder }) => isActive === 1 && corruption.rankings.has(folder)),
    ],
    scene: () => ({ program, world, others: new Set(), damage: { dataDir, corruption } }),
    end: async (_, outcome) => {
      const bytes = { before: atFirst!.bytes, after: program.held().bytes };
      if (bytes.after > MEMORY_FACTOR * bytes.before)
        outcome.errors.push(`memory went from ${bytes.before} to ${bytes.after} bytes`);
      await endService(patient, erased(), outcome);
      const { refused, remade, excused } = outcome.verdict;
      return [
        `webhook events ${new Set(receiver.received.map(({ event }) => event)).size}`,
        `damaged: versions refused ${refused}, audiences made again ${remade}, ` +
          `expansions failed for a damaged population ${excused}`,
        `memory ${mib(bytes.before)} at first, ${mib(bytes.after)} in the end`,
      ];
    },
    close: async () => {
      await receiver.close();
      unmount();
      process.off('exit', unmount);
    },
  };
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** Faults that cannot be injected here, with the reason. */
function obstaclesOf(patient: Patient): Record<string, string> {
  const found = Object.entries(FAULTS).map(([name, { obstacle }]) => [name, obstacle?.(patient) ?? null] as const);
  return Object.fromEntries(found.filter((one): one is [string, string] => one[1] !== null));
}

function loopsOf(patient: Patient): Target['loops'] {
  const { program, truce } = patient;
  const obstacles = obstaclesOf(patient);
  const possible = Object.entries(FAULTS).filter(([name]) => !Object.hasOwn(obstacles, name));
  const deedsOf = (isKill: boolean): Record<string, Deed> =>
    Object.fromEntries(
      possible
        .filter(([, fault]) => (fault.isKill ?? false) === isKill)
        .map(([name, { isOfWork, strike }]) => [
          name,
          async (rng) => {
            if (isOfWork) await program.isReadyWithin(AT_WORK_MS);
            return strike(patient, rng);
          },
        ]),
    );
  return {
    kills: {
      pause: PAUSES.kills,
      before: async (rng, isOver) => {
        if (rng.integer(KILLS_AT_WORK) > 0) await program.isReadyWithin(AT_WORK_MS);
        while (!isOver() && performance.now() < truce.until) await sleep(100);
      },
      deeds: deedsOf(true),
    },
    faults: { pause: PAUSES.faults, deeds: deedsOf(false) },
    operations: { pause: PAUSES.faults, deeds: {} },
  };
}

/** Ends the service twice: after the second start, leftovers are gone, and erased users are still unknown. */
async function endService(patient: Patient, erased: readonly string[], { verdict, errors }: Outcome): Promise<void> {
  const { program, dataDir, population, corruption, receiver, shared } = patient;
  const exitCode = await program.leave(false);
  if (exitCode !== 0) errors.push(`the service ended with ${exitCode}: ${program.log.slice(-2000)}`);
  await program.ready();
  for (const user of erased) {
    const { status } = await program.call('GET', `/v1/users/${user}/audiences`);
    if (status !== 404) verdict.lost.push(`${user} was erased but is known again (${status})`);
  }
  await program.leave(true);
  for (const end = performance.now() + ORPHAN_MS; program.left().length > 0 && performance.now() < end; )
    await sleep(50);
  if (program.left().length > 0) verdict.leftOver.push(`${program.left().length} processes`);
  errors.push(...(program.log.match(CRASH) ?? []).map((line) => `the log has: ${line}`));
  await checkFolders(dataDir, population, corruption, verdict);
  checkWebhooks(dataDir, receiver.received, shared.entries, verdict);
}
