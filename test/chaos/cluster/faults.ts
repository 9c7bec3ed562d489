/** The faults of a cluster. A fault counts only if there was something to strike. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Faults } from '../../fixture/network/flaky-proxy.ts';
import type { Stage } from './stage.ts';
import type { Line, Station } from './station.ts';

interface Fault {
  /** Kills have a loop of their own, so that they also strike during other faults. */
  readonly isKill?: boolean;
  /** Left out of short runs, because it takes most of a minute. */
  readonly isLong?: boolean;
  /** Returns false if there was nothing to strike. */
  strike(stage: Stage, rng: Rng): Promise<boolean>;
}

/** Longer than a lease: another engine takes over what a partitioned or stopped engine holds. */
const LONG_MS = 18_000;
const SHORT_MS = 3_000;
const BUSY_MS = 20_000;
/** Longer than a leader may be silent before the database ends its session, so that the other node leads. */
const LEADER_MS = 12_000;
const KILLS_AT_WORK = 4;
const AT_WORK_MS = 30_000;
const RECEIVER_MS = 2_500;
/** A receiver waits this long for its first call. */
const UNCALLED_MS = 20_000;
/** Both releases work side by side for this long, five times. */
const BETWEEN_REPLACEMENTS_MS = 3_000;
const POOR_LINES_MS = 12_000;

export const FAULTS: Readonly<Record<string, Fault>> = {
  'engine killed': { isKill: true, strike: ({ engines }, rng) => kill(pick(engines, rng), rng) },
  'node killed': { isKill: true, strike: ({ nodes }, rng) => kill(pick(nodes, rng), rng) },
  'engine stands still': {
    strike: ({ engines }, rng) => freeze(pick(engines, rng), rng.integer(2) === 0 ? LONG_MS : SHORT_MS),
  },
  'node stands still': { strike: ({ nodes }, rng) => freeze(pick(nodes, rng), SHORT_MS) },
  'engine leaves and joins': { strike: ({ engines }, rng) => leave(pick(engines, rng)) },
  'rolling upgrade, or back': { isLong: true, strike: replaceAll },
  'Postgres restarted': {
    async strike(stage) {
      await disturbAll(stage, () => stage.postgres.restart());
      return true;
    },
  },
  'object storage answers 503': {
    async strike(stage) {
      const { gate } = stage;
      const before = gate.refused;
      await disturbAll(stage, async () => {
        gate.isBusy = true;
        await sleep(BUSY_MS);
        gate.isBusy = false;
      });
      return gate.refused > before;
    },
  },
  'engine cut off from the database': { strike: ({ engines }, rng) => cutOff(pick(engines, rng), 'database', rng) },
  'engine cut off from object storage': { strike: ({ engines }, rng) => cutOff(pick(engines, rng), 'storage', rng) },
  'node cut off from the database': { strike: ({ nodes }, rng) => cutOff(pick(nodes, rng), 'database', rng) },
  'node cut off from object storage': { strike: ({ nodes }, rng) => cutOff(pick(nodes, rng), 'storage', rng) },
  'webhook receiver hangs': { strike: ({ receiver }) => answer(receiver, 'none') },
  'webhook receiver answers 500': { strike: ({ receiver }) => answer(receiver, 500) },
  'leader stands still': { strike: freezeLeader },
  'slow lines': {
    async strike(stage) {
      await suffer(stage, { latencyMs: 200 });
      return true;
    },
  },
  'connections cut': {
    async strike(stage) {
      const before = cutsOf(stage);
      await suffer(stage, { cutShare: 0.05 }, (line) => line.cutAll());
      return cutsOf(stage) > before;
    },
  },
};

function pick<T>(all: readonly T[], rng: Rng): T {
  return all[rng.integer(all.length)]!;
}

/** Most kills strike a process that works, others one that starts. */
async function kill(station: Station, rng: Rng): Promise<boolean> {
  if (rng.integer(KILLS_AT_WORK) > 0) await station.member.isReadyWithin(AT_WORK_MS);
  return !station.isSpared && station.kill();
}

async function freeze(station: Station, ms: number): Promise<boolean> {
  return station.disturbed(async () => {
    const thaw = station.member.freeze();
    if (thaw === null) return false;
    await sleep(ms);
    thaw();
    return true;
  });
}

/** The other node must lead before the former leader goes on. */
async function freezeLeader({ nodes, postgres }: Stage): Promise<boolean> {
  const termOf = async () => (await postgres.query<{ term: string }>('SELECT term FROM leaders'))[0]?.term;
  for (const node of nodes) {
    const metrics = await node.member.call('GET', '/metrics').catch(() => null);
    if (metrics === null || !/^metaheac_cluster_leader(\{.*\})? 1$/m.test(metrics.text)) continue;
    const before = await termOf();
    return (await freeze(node, LEADER_MS)) && (await termOf()) !== before;
  }
  return false;
}

async function answer(receiver: Stage['receiver'], status: 500 | 'none'): Promise<boolean> {
  const from = systemClock.now();
  const isCalled = () => receiver.received.some((call) => call.from >= from);
  receiver.answer(status);
  for (const end = performance.now() + UNCALLED_MS; !isCalled() && performance.now() < end; ) await sleep(100);
  await sleep(RECEIVER_MS);
  receiver.answer(200);
  return isCalled();
}

/** Ends a process, and waits for the next one. */
async function leave(station: Station): Promise<boolean> {
  return station.disturbed(async () => {
    const { member } = station;
    if (member.pid === null) return false;
    await member.leave(false);
    // kills may strike the next one before it is ready
    await member.isReadyWithin(AT_WORK_MS);
    return true;
  });
}

/** Replaces all processes by those of the other release, one after another; both releases must have worked together. */
async function replaceAll({ nodes, engines, releases, postgres }: Stage, rng: Rng): Promise<boolean> {
  const { program } = nodes[0]!.member;
  const { folder } = releases.find((one) => one.folder !== program)!;
  const seen = new Set<string>();
  for (const station of shuffled([...nodes, ...engines], rng)) {
    station.member.become({ program: folder });
    await leave(station);
    await sleep(BETWEEN_REPLACEMENTS_MS);
    const members = await postgres.query<{ release: string }>('SELECT release FROM members').catch(() => []);
    const releases = new Set(members.map(({ release }) => release));
    if (releases.size > 1) for (const release of releases) seen.add(release);
  }
  return seen.size > 1;
}

function shuffled<T>(all: readonly T[], rng: Rng): T[] {
  const left = [...all];
  return all.map(() => left.splice(rng.integer(left.length), 1)[0]!);
}

async function cutOff(station: Station, line: Line, rng: Rng): Promise<boolean> {
  return station.disturbed(async () => {
    station.partition(line);
    await sleep(rng.integer(2) === 0 ? LONG_MS : SHORT_MS);
    station.heal(line);
    return station.member.pid !== null;
  });
}

async function suffer(stage: Stage, faults: Faults, also: (line: Station['lines'][number]) => void = () => {}) {
  await disturbAll(stage, async () => {
    for (const line of linesOf(stage)) also(line);
    for (const line of linesOf(stage)) line.suffer(faults);
    await sleep(POOR_LINES_MS);
    for (const line of linesOf(stage)) line.suffer({});
  });
}

async function disturbAll({ nodes, engines }: Stage, action: () => Promise<void>): Promise<void> {
  const ends = [...nodes, ...engines].map((station) => station.disturb());
  try {
    await action();
  } finally {
    for (const end of ends) end();
  }
}

function linesOf({ nodes, engines }: Stage) {
  return [...nodes, ...engines].flatMap(({ lines }) => lines);
}

function cutsOf(stage: Stage): number {
  return linesOf(stage).reduce((sum, line) => sum + line.cut, 0);
}
