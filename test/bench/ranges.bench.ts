/**
 * Ranges: the processor time of one engine that expands campaigns in ranges of several sizes, on Postgres and object
 * storage, compared with the same engine that ranks whole populations. The time of the database counts, that of the
 * object storage does not.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../../src/demo/servers/postgres-server.ts';
import { startS3 } from '../../src/demo/servers/s3-server.ts';
import type { CampaignStore } from '../../src/domain/ports/store.ts';
import { isEnd } from '../../src/domain/states.ts';
import type { EngineConfig, FromEngine } from '../../src/engine/messages.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { SEGMENT_ROWS } from '../../src/population/read/segments.ts';
import { openPopulation } from '../../src/population/read.ts';
import { locateSharedStore, openStore } from '../../src/storage/open-store.ts';
import { processorSeconds } from './processes.ts';
import { type BenchOptions, type BenchReport, figure, median, ratio } from './report.ts';
import { DEMO_MODEL, makePopulation, people, withFolder } from './service.ts';

const ENGINE = new URL('../../src/engine/engine.ts', import.meta.url);
const LIMITS = { minimumSeeds: 10, leaseMs: 15_000, maximumAttempts: 5 };
const FULL = { users: 16 * SEGMENT_ROWS, campaigns: 5, sizes: [8, 4, 2, 1] };
const QUICK = { users: 4 * SEGMENT_ROWS, campaigns: 1, sizes: [2, 1] };
/** Larger than any population: the engine ranks alone. */
const ALONE = 1024;
const SEEDS = 200;
/** Coordination may take this share of the processor time. */
const ALLOWED = 0.05;

export async function benchRanges({ quick, users, note }: BenchOptions): Promise<BenchReport> {
  const { campaigns, sizes, users: usual } = quick ? QUICK : FULL;
  const count = users ?? usual;
  return withFolder(async (folder) => {
    note(`making a population of ${count.toLocaleString('en')} people`);
    const population = await makePopulation(folder, count);
    const { segmentCount } = openPopulation(population);
    const servers = await startServers();
    try {
      const measure = async (rangeSegments: number) => {
        note(rangeSegments === ALONE ? 'without ranges' : `ranges of ${rangeSegments} segments`);
        return withEngine(servers, { population, folder, rangeSegments, users: count }, async (expand) => {
          await expand(); // loads code and makes user sides
          const measured: Measured[] = [];
          for (let i = 0; i < campaigns; i++) measured.push(await expand());
          return measured;
        });
      };
      const alone = await measure(ALONE);
      const ranged = new Map<number, readonly number[]>();
      for (const size of sizes)
        if (size < segmentCount)
          ranged.set(
            size,
            (await measure(size)).map(({ seconds }) => seconds),
          );
      return reportOf(alone, ranged, segmentCount);
    } finally {
      await servers.close();
    }
  });
}

/** Processor seconds of a campaign, and the part of the engine's threads that scored. */
interface Measured {
  readonly seconds: number;
  readonly scoring: number;
}

function reportOf(
  measured: readonly Measured[],
  ranged: ReadonlyMap<number, readonly number[]>,
  segments: number,
): BenchReport {
  const alone = measured.map(({ seconds }) => seconds);
  const name = (size: number) => `ranges of ${size}`;
  const entries = [...ranged].map(([size, seconds]) => [name(size), figure(seconds, 's')] as const);
  const ratios = [...ranged].map(([size, seconds]) => [`ranges_of_${size}_vs_alone`, ratio(seconds, alone)] as const);
  const sizes = [...ranged.keys()].sort((a, b) => a - b);
  const [least, most] = [sizes[0]!, sizes.at(-1)!];
  const difference = median(ranged.get(least)!) - median(ranged.get(most)!);
  const ranges = Math.ceil(segments / least) - Math.ceil(segments / most);
  const ofRange = difference / ranges;
  const ofSegment = median(measured.map(({ scoring }) => scoring)) / segments;
  const fit = Math.max(1, Math.ceil(ofRange / (ALLOWED * ofSegment)));
  return {
    results: { 'without ranges': figure(alone, 's'), ...Object.fromEntries(entries) },
    ratios: Object.fromEntries(ratios),
    lines: [
      `processor time per campaign of ${segments} segments; the engine and the database`,
      `each range takes ${(1000 * ofRange).toFixed(1)} ms more, scoring a segment ${(1000 * ofSegment).toFixed(1)} ms: ` +
        `with ranges of ${fit} segments or more, this is at most ${100 * ALLOWED} %`,
    ],
  };
}

type Servers = Awaited<ReturnType<typeof startServers>>;

async function startServers() {
  const postgres = await startPostgres();
  const s3 = await startS3({ now: systemClock.now });
  return {
    store: (prefix: string, cacheFolder: string) =>
      locateSharedStore(`${postgres.url}/postgres`, {
        ...{ url: `s3://${s3.bucket}/${prefix}?endpoint=${s3.endpoint}`, cacheFolder },
      }),
    postgres: postgres.pid,
    credentials: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    close: async () => {
      await s3.close();
      await postgres.close();
    },
  };
}

interface EngineOptions {
  readonly population: string;
  readonly folder: string;
  readonly rangeSegments: number;
  readonly users: number;
}

/** Runs an engine process. `expand` expands a campaign. */
async function withEngine<T>(
  servers: Servers,
  { population, folder, rangeSegments, users }: EngineOptions,
  use: (expand: () => Promise<Measured>) => Promise<T>,
): Promise<T> {
  const locator = servers.store(`size-${rangeSegments}`, join(folder, `cache-${rangeSegments}`));
  Object.assign(process.env, servers.credentials);
  const store = await openStore(locator, { clock: systemClock, ...LIMITS });
  const child = fork(ENGINE, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  try {
    const model = { version: readModelFolder(DEMO_MODEL).manifest.version, folder: DEMO_MODEL };
    const served = { epoch: 1, model, populationVersion: openPopulation(population).version };
    const config: EngineConfig = {
      ...{ ...LIMITS, store: locator, served, ownerId: `${child.pid}:${randomUUID()}`, threads: 2, device: 'cpu' },
      ...{
        models: join(folder, 'models'),
        population,
        rangeSegments,
        keptWorkMs: 0,
        userSideBytes: 2 ** 33,
        expands: true,
      },
      ...{ userSides: 1, diskReserveBytes: 0, reserveExpected: false, logLevel: 'error', telemetry: null },
      clockOffsetMs: systemClock.now() - systemClock.elapsed(),
    };
    child.send({ kind: 'start', config });
    await ready(child);
    return await use(async () => {
      const seconds = () => processorSeconds(child.pid!) + processorSeconds(servers.postgres);
      const before = seconds();
      const scoring = await expand(store, users);
      return { seconds: seconds() - before, scoring };
    });
  } finally {
    child.kill('SIGKILL');
    await store.close();
  }
}

/** Resolves when the engine is ready and has stored all user sides. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromEngine) => {
      if (message.kind === 'refused') reject(new Error(message.message));
      else if (message.kind === 'heartbeat' && message.heartbeat.userSides?.missing === 0) resolve();
    });
  });
}

/** Expands a campaign, and returns the seconds in which threads scored. */
async function expand(store: CampaignStore, users: number): Promise<number> {
  const { id } = await store.create(
    {
      ...{ name: 'bench', features: {}, featureCounts: { unknown: 0, missing: 0 }, audience: { size: 1000 } },
      seeds: people(SEEDS, users),
    },
    () => true,
  );
  for (;;) {
    const { state, reason } = await store.get(id);
    if (state === 'ready') break;
    if (isEnd(state!)) throw new Error(`the expansion is ${state}: ${reason?.message}`);
    await sleep(50);
  }
  const [expansion] = (await store.expansionsOf(id, { limit: 1 })).items;
  return expansion!.computedWith!.threadSeconds!.scoring;
}
