/**
 * Processor time per user with 1, 2 and 4 engines, and the share of the calls to the queue, the database and object
 * storage. Engines that are not measured are stopped where they are, so that the numbers of engines take turns.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEGMENT_ROWS } from '../../../../src/population/read/segments.ts';
import { markdownTable, wrapped } from '../../page.ts';
import { processorSeconds } from '../../processes.ts';
import { type BenchService, people, startService } from '../../service.ts';
import { ratioOf, spread } from './compare.ts';
import type { Measurement, MeasureOptions } from './measurement.ts';
import { type Kind, profilable, profile } from './profile.ts';
import { type BenchEngine, prepared, type Rig, startRig, untilIdle } from './rig.ts';

const SIZES = {
  full: { users: 4_000_000, rangeSegments: 16, warmUp: 4, rounds: 7, profiled: 8 },
  quick: { users: 2 * SEGMENT_ROWS, rangeSegments: 1, warmUp: 1, rounds: 2, profiled: 2 },
};
const SEEDS = 200;
const RARE_MS = 250;
const AFTERWARDS_MS = 2000;
const IDLE_MS = 5000;
/** Processor time per user may differ by this share, and coordination may take this share. */
const ALLOWED = 0.05;
/** Engines, and the threads of each. */
export interface FleetSize {
  readonly engines: number;
  readonly threads: number;
}

/** Each number of threads in one engine, and then in as many engines. */
const FLEETS: readonly FleetSize[] = [
  { engines: 1, threads: 2 },
  { engines: 2, threads: 1 },
  { engines: 1, threads: 4 },
  { engines: 4, threads: 1 },
];
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
  const fleet = await startFleet(rig, folder, { sizes: FLEETS, note });
  const embedded = await warm(own, users, warmUp);
  const rows = new Map<FleetSize, Row>();
  for (const size of FLEETS) {
    note(`warming up ${nameOf(size)}`);
    await fleet.withOnly(size, async (engines) => {
      await warm(rig.node, users, warmUp);
      rows.set(size, { engines: [], withoutIdle: [], postgres: [], idle: await idleOf(engines) });
    });
  }
  for (let round = 0; round < rounds; round++) {
    note(`round ${round + 1} of ${rounds}`);
    const seeds = people(SEEDS + round, users);
    embedded.push(await secondsOf(own, () => processorSeconds(own.pid), seeds));
    for (const size of FLEETS)
      await fleet.withOnly(size, async (engines) => {
        const row = rows.get(size)!;
        const postgres = rig.servers.seconds.postgres();
        const start = performance.now();
        const seconds = await secondsOf(rig.node, () => secondsOfAll(engines), seeds);
        row.engines.push(seconds);
        row.withoutIdle.push(seconds - (row.idle * (performance.now() - start)) / 1000);
        row.postgres.push(rig.servers.seconds.postgres() - postgres);
      });
  }
  note('profiling one engine');
  const calls = await fleet.withOnly(FLEETS[0]!, ([engine]) =>
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
  /** Lets only these engines run. */
  withOnly<T>(size: FleetSize, use: (engines: readonly BenchEngine[]) => Promise<T>): Promise<T>;
}

interface FleetOptions {
  /** Engines with the same number of threads are the same in all of them. */
  readonly sizes: readonly FleetSize[];
  readonly note: (line: string) => void;
}

export async function startFleet(rig: Rig, folder: string, { sizes, note }: FleetOptions): Promise<Fleet> {
  const started = new Map<number, BenchEngine[]>();
  for (const { engines, threads } of sizes) {
    const alike = started.get(threads) ?? [];
    started.set(threads, alike);
    while (alike.length < engines) {
      const name = `engine-${threads}-${alike.length}`;
      note(`starting ${name}`);
      const engine = await rig.addEngine(name, threads, profilable(folder));
      alike.push(engine);
      engine.freeze();
    }
  }
  return {
    withOnly: async ({ engines: number, threads }, use) => {
      const engines = started.get(threads)!.slice(0, number);
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

function nameOf({ engines, threads }: FleetSize): string {
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  return `${of(engines, 'engine')} of ${of(threads, 'thread')}`;
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
  readonly rows: ReadonlyMap<FleetSize, Row>;
  readonly calls: Coordination;
}

function reportOf({ users, rangeSegments, embedded, rows, calls }: Measured): Measurement {
  const perUser = (seconds: readonly number[]) => seconds.map((value) => (MICRO * value) / users);
  /** The row of one engine with as many threads. */
  const aloneLike = ({ engines, threads }: FleetSize) =>
    [...rows].find(([size]) => size.engines === 1 && size.threads === engines * threads)![1];
  const first = rows.get(FLEETS[0]!)!;
  const cells = [...rows].map(([size, { engines, postgres }]) => {
    const figures = [nameOf(size), spread(perUser(engines), 'us'), spread(perUser(postgres), 'us')];
    if (size.engines === 1) return [...figures, '', '', ''];
    const { ratio, low, high } = ratioOf(aloneLike(size).engines, engines);
    const times = `${ratio.toFixed(3)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
    return [...figures, times, '1 +- 5 %', Math.abs(ratio - 1) <= ALLOWED ? 'yes' : '**no**'];
  });
  const ofEmbedded = ['SQLite and files, 2 threads', spread(perUser(embedded), 'us'), '', '', '', ''];
  const share = coordinationSeconds(calls) / calls.all;
  const { seconds, supervisor, postgres, storage, requests } = calls;
  const milliseconds = (value: number) => `${(1000 * value).toFixed(0)} ms`;
  const idle = [...rows].map(([size, row]) => `${(100 * row.idle).toFixed(1)} % of a core for ${nameOf(size)}`);
  const many = [...rows].filter(([size]) => size.engines > 1);
  const withoutIdle = many.map(([size, row]) => ratioOf(aloneLike(size).withoutIdle, row.withoutIdle).ratio.toFixed(3));
  const toFirst = (seconds: readonly number[]) => ratioOf(first.engines, seconds).ratio.toFixed(2);
  const last = FLEETS.at(-1)!;
  const all = first.engines.map((value, i) => value + first.postgres[i]!);
  return {
    lines: [
      ...markdownTable(
        [`${users.toLocaleString('en')} users`, 'engines, per user', 'Postgres, per user', 'ratio', 'allowed', 'kept'],
        [...cells, ofEmbedded],
      ),
      '',
      ...wrapped(
        `Processor seconds per user of one campaign, with ranges of ${rangeSegments} segments, ` +
          `${first.engines.length} campaigns each, in turn, after a warm-up. Ratios are to one engine with as many ` +
          'threads, because four threads on two cores disturb each other wherever they run: compared with one engine ' +
          `of two threads, one of four takes ${toFirst(aloneLike(last).engines)} times as much, and four engines take ` +
          `${toFirst(rows.get(last)!.engines)} times. Engines also take processor time while they wait for work: ` +
          `${idle.join(', ')}. Without it, the ratios are ${withoutIdle.join(' and ')}.`,
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
      ...Object.fromEntries([...rows].map(([size, { engines }]) => [nameOf(size), engines])),
      ...Object.fromEntries([...rows].map(([size, row]) => [`postgres, ${nameOf(size)}`, row.postgres])),
      ...Object.fromEntries([...rows].map(([size, row]) => [`${nameOf(size)}, without idle`, row.withoutIdle])),
      coordination: [coordinationSeconds(calls)],
      campaign: [calls.all],
      ...Object.fromEntries(Object.entries(seconds).map(([kind, value]) => [`first thread, ${kind}`, [value]])),
    },
  };
}
