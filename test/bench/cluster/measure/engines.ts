/**
 * Processor time per user with 1, 2 and 4 engines, and the share of the calls to the queue, the database and object
 * storage. Engines that are not measured are stopped where they are, so that the numbers of engines take turns.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEGMENT_ROWS } from '../../../../src/population/read/segments.ts';
import { wrapped } from '../../page.ts';
import { processorSeconds } from '../../processes.ts';
import { type BenchService, people, startService } from '../../service.ts';
import { markdownTable, ratioOf, spread } from './compare.ts';
import type { Measurement, MeasureOptions } from './measurement.ts';
import { type Kind, profilable, profile } from './profile.ts';
import { type BenchEngine, prepared, type Rig, startRig, untilIdle } from './rig.ts';

const SIZES = {
  full: { users: 4_000_000, rangeSegments: 16, warmUp: 3, rounds: 7, profiled: 8 },
  quick: { users: 2 * SEGMENT_ROWS, rangeSegments: 1, warmUp: 1, rounds: 2, profiled: 2 },
};
const SEEDS = 200;
const RARE_MS = 250;
const AFTERWARDS_MS = 2000;
const IDLE_MS = 5000;
/** Processor time per user may differ by this share, and coordination may take this share. */
const ALLOWED = 0.05;
/** An engine with two threads, and engines with one thread each, which share the processor if there are many. */
const NUMBERS = [1, 2, 4] as const;
/** Microseconds per second. */
const MICRO = 1e6;

export async function benchEngines({ quick, note, ending, populationOf }: MeasureOptions): Promise<Measurement> {
  const { users, rangeSegments, warmUp, rounds, profiled } = quick ? SIZES.quick : SIZES.full;
  const folder = ending.folder();
  const population = await populationOf(users);
  note('starting the embedded service');
  const own = await startService(
    population,
    join(folder, 'embedded'),
    {},
    {
      variables: { METAHEAC_LOG_LEVEL: 'error' },
      onStarted: (child) => ending.own(child),
    },
  );
  await prepared(own.url);
  await untilIdle(own.pid);
  const settings = { METAHEAC_RANGE_SEGMENTS: String(rangeSegments) };
  const rig = await startRig({ population, folder, ending, settings });
  const fleet = await startFleet(rig, folder, note);
  const embedded = await warm(own, users, warmUp);
  const rows = new Map<number, Row>();
  for (const number of NUMBERS) {
    note(`warming up ${number} engines`);
    await fleet.withOnly(number, async (engines) => {
      await warm(rig.node, users, warmUp);
      rows.set(number, { engines: [], withoutIdle: [], postgres: [], idle: await idleOf(engines) });
    });
  }
  for (let round = 0; round < rounds; round++) {
    note(`round ${round + 1} of ${rounds}`);
    const seeds = people(SEEDS + round, users);
    embedded.push(await secondsOf(own, () => processorSeconds(own.pid), seeds));
    for (const number of NUMBERS)
      await fleet.withOnly(number, async (engines) => {
        const row = rows.get(number)!;
        const postgres = rig.servers.seconds.postgres();
        const start = performance.now();
        const seconds = await secondsOf(rig.node, () => secondsOfAll(engines), seeds);
        row.engines.push(seconds);
        row.withoutIdle.push(seconds - (row.idle * (performance.now() - start)) / 1000);
        row.postgres.push(rig.servers.seconds.postgres() - postgres);
      });
  }
  note('profiling one engine');
  const calls = await fleet.withOnly(1, ([engine]) =>
    coordinationOf(engine!, { rig, folder, users, campaigns: profiled }),
  );
  return reportOf({ users, rangeSegments, embedded, rows, calls });
}

/** Processor seconds per campaign, of a number of engines. */
interface Row {
  readonly engines: number[];
  /** Less what the engines take without work in the same time. */
  readonly withoutIdle: number[];
  readonly postgres: number[];
  /** Processor seconds per second of all engines without work. */
  readonly idle: number;
}

function secondsOfAll(engines: readonly BenchEngine[]): number {
  return engines.reduce((sum, engine) => sum + engine.seconds(), 0);
}

async function idleOf(engines: readonly BenchEngine[]): Promise<number> {
  const [before, start] = [secondsOfAll(engines), performance.now()];
  await sleep(IDLE_MS);
  return (1000 * (secondsOfAll(engines) - before)) / (performance.now() - start);
}

interface Fleet {
  /** Lets only so many engines run. */
  withOnly<T>(number: (typeof NUMBERS)[number], use: (engines: readonly BenchEngine[]) => Promise<T>): Promise<T>;
}

export async function startFleet(rig: Rig, folder: string, note: (line: string) => void): Promise<Fleet> {
  const alone: BenchEngine[] = [];
  const small: BenchEngine[] = [];
  const most = Math.max(...NUMBERS);
  for (let i = 0; i <= most; i++) {
    note(`starting engine ${i + 1} of ${most + 1}`);
    const engine = await rig.addEngine(`engine-${i}`, i === 0 ? 2 : 1, profilable(folder));
    (i === 0 ? alone : small).push(engine);
    engine.freeze();
  }
  return {
    withOnly: async (number, use) => {
      const engines = number === 1 ? alone : small.slice(0, number);
      for (const engine of engines) engine.thaw();
      // they tell the others that they are there again
      await sleep(AFTERWARDS_MS);
      try {
        return await use(engines);
      } finally {
        for (const engine of engines) engine.freeze();
      }
    },
  };
}

/** Expands some campaigns; returns an empty list for what is measured next. */
async function warm(service: BenchService, users: number, campaigns: number): Promise<number[]> {
  for (let i = 0; i < campaigns; i++) await service.expand(people(SEEDS + i, users), RARE_MS);
  await sleep(AFTERWARDS_MS);
  return [];
}

/** Processor seconds of a campaign, with the work that follows it. */
async function secondsOf(service: BenchService, read: () => number, seeds: readonly string[]): Promise<number> {
  const before = read();
  await service.expand(seeds, RARE_MS);
  await sleep(AFTERWARDS_MS);
  return read() - before;
}

/** Processor seconds per campaign of an engine that works alone. */
export interface Coordination {
  readonly seconds: Readonly<Record<Kind, number>>;
  /** Of the process that supervises the engine: memberships, monitoring and the messages between both. */
  readonly supervisor: number;
  readonly postgres: number;
  readonly storage: number;
  /** Of the engine with its supervisor and Postgres. */
  readonly all: number;
  readonly requests: number;
}

interface CoordinationOptions {
  readonly rig: Rig;
  readonly folder: string;
  readonly users: number;
  readonly campaigns: number;
}

export async function coordinationOf(
  engine: BenchEngine,
  { rig: { servers, node }, folder, users, campaigns }: CoordinationOptions,
): Promise<Coordination> {
  await servers.requests();
  const read = () => ({
    all: engine.seconds(),
    worker: processorSeconds(engine.worker),
    postgres: servers.seconds.postgres(),
    storage: servers.seconds.s3(),
  });
  let [before, after] = [read(), read()];
  const { seconds, threads } = await profile(engine.worker, folder, async () => {
    before = read();
    for (let i = 0; i < campaigns; i++) await node.expand(people(SEEDS + i, users), RARE_MS);
    await sleep(AFTERWARDS_MS);
    after = read();
  });
  const perCampaign = (of: keyof typeof before) => (after[of] - before[of]) / campaigns;
  const ofProfiler = (seconds.profiler + (threads['v8:ProfEvntProc'] ?? 0)) / campaigns;
  const divided = Object.fromEntries(Object.entries(seconds).map(([kind, value]) => [kind, value / campaigns]));
  return {
    seconds: divided as Record<Kind, number>,
    supervisor: perCampaign('all') - perCampaign('worker'),
    postgres: perCampaign('postgres'),
    storage: perCampaign('storage'),
    all: perCampaign('all') + perCampaign('postgres') - ofProfiler,
    requests: (await servers.requests()).length / campaigns,
  };
}

/**
 * Seconds of coordination: the calls with their share of collected garbage and of Node's own work, the supervisor, and
 * the database.
 */
function coordinationSeconds({ seconds, supervisor, postgres }: Coordination): number {
  const { database, storage, merge, parts, other, garbage, native } = seconds;
  const calls = database + storage + native;
  const ownGarbage = (garbage * calls) / Math.max(calls + merge + parts + other, Number.MIN_VALUE);
  return calls + ownGarbage + supervisor + postgres;
}

interface Measured {
  readonly users: number;
  readonly rangeSegments: number;
  readonly embedded: readonly number[];
  readonly rows: ReadonlyMap<number, Row>;
  readonly calls: Coordination;
}

function reportOf({ users, rangeSegments, embedded, rows, calls }: Measured): Measurement {
  const perUser = (seconds: readonly number[]) => seconds.map((value) => (MICRO * value) / users);
  const first = rows.get(1)!.engines;
  const cells = [...rows].map(([number, { engines, postgres }]) => {
    const { ratio, low, high } = ratioOf(first, engines);
    const isKept = Math.abs(ratio - 1) <= ALLOWED;
    const times =
      number === 1 ? ['', ''] : [`${ratio.toFixed(3)} (${low.toFixed(2)} to ${high.toFixed(2)})`, '1 +- 5 %'];
    const name = number === 1 ? '1 engine of 2 threads' : `${number} engines of 1 thread`;
    const kept = number === 1 ? '' : isKept ? 'yes' : '**no**';
    return [name, spread(perUser(engines), 'us'), spread(perUser(postgres), 'us'), ...times, kept];
  });
  const ofEmbedded = ['SQLite and files, 2 threads', spread(perUser(embedded), 'us'), '', '', '', ''];
  const share = coordinationSeconds(calls) / calls.all;
  const { seconds, supervisor, postgres, storage, requests } = calls;
  const milliseconds = (value: number) => `${(1000 * value).toFixed(0)} ms`;
  const idle = [...rows].map(([number, row]) => `${(100 * row.idle).toFixed(1)} % of a core for ${number}`).join(', ');
  const alone = rows.get(1)!.withoutIdle;
  const withoutIdle = [...rows].slice(1).map(([, row]) => ratioOf(alone, row.withoutIdle).ratio.toFixed(3));
  const all = rows.get(1)!.engines.map((value, i) => value + rows.get(1)!.postgres[i]!);
  return {
    lines: [
      ...markdownTable(
        [`${users.toLocaleString('en')} users`, 'engines, per user', 'Postgres, per user', 'ratio', 'allowed', 'kept'],
        [...cells, ofEmbedded],
      ),
      '',
      ...wrapped(
        `Processor seconds per user of one campaign, with ranges of ${rangeSegments} segments, ${first.length} ` +
          'campaigns each, in turn, after a warm-up. Four engines share two cores. Engines also take processor time ' +
          `while they wait for work: ${idle}. Without it, the ratios are ${withoutIdle.join(' and ')}.`,
      ),
      '',
      ...wrapped(
        `Coordination takes ${(100 * share).toFixed(1)} % of the processor time of one engine and Postgres (allowed: ` +
          `${100 * ALLOWED} %, ${share <= ALLOWED ? 'kept' : '**not kept**'}). A campaign takes ` +
          `${calls.all.toFixed(2)} s; a profile of the engine's first thread divides it: calls of the database ` +
          `${milliseconds(seconds.database)}, of object storage ${milliseconds(seconds.storage)} ` +
          `(${requests.toFixed(0)} requests), Node's own work ${milliseconds(seconds.native)}, garbage ` +
          `${milliseconds(seconds.garbage)}, of which the calls have their share; the engine's supervisor takes ` +
          `${milliseconds(supervisor)}, Postgres ${milliseconds(postgres)}. Not counted: the server of the object ` +
          `storage (${milliseconds(storage)}). Sorting parts takes ${milliseconds(seconds.parts)}, merging ` +
          `${milliseconds(seconds.merge)}.`,
      ),
      '',
      ...wrapped(
        `The same campaign takes ${ratioOf(embedded, all).ratio.toFixed(2)} times as much processor time with one ` +
          'engine and Postgres as with the embedded service, whose API process is counted too.',
      ),
    ],
    figures: {
      embedded,
      ...Object.fromEntries([...rows].map(([number, { engines }]) => [`engines ${number}`, engines])),
      ...Object.fromEntries([...rows].map(([number, row]) => [`postgres ${number}`, row.postgres])),
      ...Object.fromEntries([...rows].map(([number, row]) => [`engines ${number} without idle`, row.withoutIdle])),
      coordination: [coordinationSeconds(calls)],
      campaign: [calls.all],
      ...Object.fromEntries(Object.entries(seconds).map(([kind, value]) => [`first thread, ${kind}`, [value]])),
    },
  };
}
