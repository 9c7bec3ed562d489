/** Engine processes on one Postgres: one that is killed, and an owner that stands still and goes on too late. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import type { RangeState } from '../../../src/domain/ranges.ts';
import { isEnd } from '../../../src/domain/states.ts';
import type { EngineConfig, FromEngine } from '../../../src/engine/messages.ts';
import { reproduce } from '../../../src/engine/reproduce.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { readModelFolder } from '../../../src/model/folder.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { locateSharedStore, openStore } from '../../../src/storage/open-store.ts';
import { openDatabase } from '../../../src/storage/postgres/database/database.ts';
import { readJson } from '../../../src/storage/sql/json.ts';
import { digestsIn, digestsOf } from '../../fixture/digest.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { startCluster } from './cluster.ts';
import { makeUpdatedPopulation } from './updated-population.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const LIMITS = { minimumSeeds: 10, leaseMs: 3_000, maximumAttempts: 5 };
const ENGINE = join(inject('bundle'), 'engine/engine-process.js');
const population = join(temporaryFolder(), 'population');

beforeAll(() => makeUpdatedPopulation(population), 240_000);

interface EngineProcess {
  readonly child: ChildProcess;
  readonly owner: string;
  readonly log: () => string;
}

interface Watched {
  readonly id: string;
  readonly engine: EngineProcess;
}

/** A shared store, and engine processes that work on it as on hosts of their own. */
async function startHosts() {
  const url = await openPostgres();
  const folder = temporaryFolder();
  const locator = locateSharedStore(url, { url: pathToFileURL(folder).href, cacheFolder: '' });
  const store = await openStore(locator, { clock: systemClock, ...LIMITS });
  const database = await openDatabase(url);
  onTestFinished(async () => {
    await store.close();
    await database.close();
  });
  const { directory, version: populationVersion } = openPopulation(population);
  const model = { version: readModelFolder(world.model).manifest.version, folder: world.model };
  const engines: EngineProcess[] = [];
  const start = async () => {
    const child = fork(ENGINE, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const owner = `${child.pid}:${randomUUID()}`;
    let log = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text: Buffer) => {
        log += text;
      });
    const config: EngineConfig = {
      ...{ ...LIMITS, store: locator, served: { epoch: 1, model, populationVersion }, ownerId: owner, threads: 1 },
      ...{ models: join(folder, 'models'), population, device: 'cpu', rangeSegments: 1, keptWorkMs: 0, expands: true },
      ...{
        userSideBytes: 0,
        userSides: 1,
        rehearsedUsers: 1e9,
        diskReserveBytes: 0,
        reserveExpected: false,
        logLevel: 'info',
      },
      ...{ telemetry: null, clockOffsetMs: systemClock.now() - systemClock.elapsed() },
    };
    child.send({ kind: 'start', config });
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: FromEngine) => {
        if (message.kind === 'ready') resolve();
        else if (message.kind === 'refused') reject(new Error(message.message));
      });
    });
    engines.push({ child, owner, log: () => log });
  };
  return {
    store,
    start,
    /** An expansion, and the engine that owns it once it has offered ranges. */
    owned(): Promise<Watched> {
      const text = 'SELECT j.owner FROM jobs j JOIN range_offers o ON o.job = j.id AND o.token = j.token';
      return watched(async () => (await database.all<{ owner: string }>(text)).map(({ owner }) => owner));
    },
    /** An expansion, and an engine that is scoring a range of it. */
    held(): Promise<Watched> {
      const text = 'SELECT state FROM ranges';
      return watched(async () => {
        const rows = await database.all<{ readonly state: string }>(text);
        return rows.flatMap(({ state }) => readJson<RangeState>(state, 'state').holders.map(({ owner }) => owner));
      });
    },
    create,
    /** The digests of the files of its ranking. */
    async ranking(id: string): Promise<Record<string, string>> {
      for (;;) {
        const { state } = await store.get(id);
        if (state === 'ready') break;
        if (isEnd(state!)) throw new Error(`the expansion is ${state}`);
        await sleep(20);
      }
      return digestsOf(join(folder, (await store.activeAudience(id)).folder));
    },
  };

  async function create(): Promise<string> {
    const { features, seeds } = campaign;
    const { id } = await store.create(
      { name: 'test', features, featureCounts: { unknown: 0, missing: 0 }, seeds, audience: { size: 100 } },
      (userId) => directory.find(userId) >= 0,
    );
    return id;
  }

  /** An expansion may end before one of its engines is seen: then another is tried. */
  async function watched(owners: () => Promise<readonly (string | null)[]>): Promise<Watched> {
    for (;;) {
      const id = await create();
      while (!isEnd((await store.get(id)).state!)) {
        const those = await owners();
        const found = engines.find(({ owner }) => those.includes(owner));
        if (found) return { id, engine: found };
        await sleep(5);
      }
    }
  }
}

/** The ranking of an engine that works alone. */
let expected: Record<string, string> | null = null;
async function alone(): Promise<Record<string, string>> {
  if (expected !== null) return expected;
  const cluster = await startCluster({ model: world.model, population });
  await cluster.addHost();
  const id = await cluster.create(campaign);
  await cluster.ended(id);
  expected = digestsIn(await cluster.bytesOf(id));
  return expected;
}

describeWithPostgres('engine processes', () => {
  it('make equal rankings with receipts that one engine reproduces, although one is killed', {
    timeout: 240_000,
  }, async () => {
    const hosts = await startHosts();
    for (let i = 0; i < 3; i++) await hosts.start();
    const { id, engine } = await hosts.held();
    engine.child.kill('SIGKILL');
    expect(await hosts.ranking(id)).toEqual(await alone());
    const seeds = join(temporaryFolder(), 'seeds.txt');
    writeFileSync(seeds, campaign.seeds.join('\n'));
    const folders = { model: world.model, population, sets: new Map([['seeds', seeds]]) };
    const receipt = await hosts.store.receipts.receiptOf(id, 1);
    expect(await reproduce(receipt, { ...folders, threads: 1, device: 'cpu' })).toEqual([]);
  });

  it('refuse the result of an owner that stood still', { timeout: 240_000 }, async () => {
    const hosts = await startHosts();
    await hosts.start();
    const {
      id,
      engine: { child, log },
    } = await hosts.owned();
    child.kill('SIGSTOP');
    await hosts.start();
    const ranking = await hosts.ranking(id);
    const { folder } = await hosts.store.activeAudience(id);
    child.kill('SIGCONT');
    await expect.poll(log, { timeout: 60_000, interval: 100 }).toContain('"outcome":"lost"');
    expect(await hosts.store.activeAudience(id)).toMatchObject({ folder, version: 1 });
    expect((await hosts.store.audienceVersions(id, { limit: 10 })).items).toHaveLength(1);
    expect(await hosts.ranking(id)).toEqual(ranking);
    expect(ranking).toEqual(await alone());
    // it goes on with other work
    expect(await hosts.ranking(await hosts.create())).toEqual(ranking);
  });
});
