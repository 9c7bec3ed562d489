/**
 * One engine with Postgres and object storage compared with SQLite and files: processor time per campaign, the time
 * until a campaign is ready, and look-ups. Both services run all the time and take turns.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../../../../src/lib/errors.ts';
import { CONNECTIONS, load, type Request } from '../../load.ts';
import { markdownTable, wrapped } from '../../page.ts';
import { processorSeconds } from '../../processes.ts';
import { type BenchService, people, startService } from '../../service.ts';
import { atLeast, atMost, comparisonRow } from './compare.ts';
import type { Ending } from './ending.ts';
import type { Measurement, MeasureOptions } from './measurement.ts';
import { prepared, type Rig, startRig, untilIdle } from './rig.ts';

const SIZES = {
  full: { users: 1_000_000, warmUp: 5, rounds: 9, seconds: 5, loads: 7 },
  quick: { users: 65_536, warmUp: 1, rounds: 2, seconds: 1, loads: 2 },
};
const SEEDS = 200;
const THREADS = 2;
/** Rare looks at a campaign take hardly any processor time. */
const RARE_MS = 250;
/** Work that follows a campaign, such as removing its parts, belongs to it. */
const AFTERWARDS_MS = 1500;
const IDLE_MS = 10_000;
const DISTINCT = 20_000;
/** Loads after which the code of look-ups is compiled and what they read is there. */
const WARM_LOADS = 3;
/** No members in memory: each look-up reads the ranking's files. */
const FROM_FILES = { rankingMemoryBytes: 0 };

/** Processor seconds by part, and the time until campaigns are ready. */
interface Side {
  readonly service: BenchService;
  /** Processor seconds so far. */
  readonly parts: Readonly<Record<string, () => number>>;
  readonly seconds: Record<string, number[]>;
  readonly ready: number[];
  readonly idle: Record<string, number>;
}

export async function benchOverhead({ quick, note, ending, populationOf }: MeasureOptions): Promise<Measurement> {
  const { users, warmUp, rounds, seconds, loads } = quick ? SIZES.quick : SIZES.full;
  const folder = ending.folder();
  const population = await populationOf(users);
  note('starting both services');
  const [own, rig] = await startBoth(population, folder, ending);
  const embedded = sideOf(own, { service: () => processorSeconds(own.pid) });
  const { engine, ...started } = rig;
  const cluster = sideOf(started.node, {
    service: () => processorSeconds(started.node.pid) + engine.seconds(),
    Postgres: started.servers.seconds.postgres,
    'object storage': started.servers.seconds.s3,
  });
  const sides = [embedded, cluster];
  note(`warming up with ${warmUp} campaigns each`);
  for (let i = 0; i < warmUp; i++) for (const { service } of sides) await service.expand(people(SEEDS + i, users));
  for (let i = 0; i < rounds; i++) {
    note(`round ${i + 1} of ${rounds}`);
    const seeds = people(SEEDS + warmUp + i, users);
    const ids = [await measureSide(embedded, seeds), await measureSide(cluster, seeds)];
    await requireEqualAudiences(sides, ids);
    for (const side of sides) side.ready.push((await side.service.expand(seeds)).seconds);
  }
  note('idle processes');
  for (const side of sides) await measureIdle(side);
  note('look-ups');
  const lookUps = await measureLookUps(sides, started, { users, seconds, rounds: loads });
  const read = await fromFiles(population, folder, { ending, rig: started, users, seconds, rounds: loads });
  return reportOf({ users, embedded, cluster, lookUps, read });
}

async function startBoth(population: string, folder: string, ending: Ending) {
  const own = await startService(
    population,
    join(folder, 'embedded'),
    {},
    {
      variables: { METAHEAC_LOG_LEVEL: 'error' },
      onStarted: (child) => ending.own(child),
    },
  );
  // the user sides are made in the population's folder, before the cluster publishes it
  await prepared(own.url);
  await untilIdle(own.pid);
  const rig = await startRig({ population, folder, ending });
  const engine = await rig.addEngine('engine', THREADS);
  return [own, { ...rig, engine }] as const;
}

function sideOf(service: BenchService, parts: Side['parts']): Side {
  const seconds = Object.fromEntries(Object.keys(parts).map((name) => [name, [] as number[]]));
  return { service, parts, seconds, ready: [], idle: {} };
}

/** Expands a campaign, and notes the processor time of each part; returns the campaign's id. */
async function measureSide({ service, parts, seconds }: Side, seeds: readonly string[]): Promise<string> {
  const before = Object.entries(parts).map(([name, read]) => [name, read()] as const);
  const { campaign } = await service.expand(seeds, RARE_MS);
  await sleep(AFTERWARDS_MS);
  for (const [name, start] of before) seconds[name]!.push(parts[name]!() - start);
  return campaign.id;
}

/** Processor seconds per second without work. */
async function measureIdle({ parts, idle }: Side): Promise<void> {
  const before = Object.entries(parts).map(([name, read]) => [name, read()] as const);
  const start = performance.now();
  await sleep(IDLE_MS);
  for (const [name, first] of before) idle[name] = (1000 * (parts[name]!() - first)) / (performance.now() - start);
}

/** @throws if the audiences of two campaigns differ in a byte */
async function requireEqualAudiences(sides: readonly Side[], ids: readonly string[]): Promise<void> {
  const sums = await Promise.all(
    sides.map(async ({ service: { url } }, i) => {
      const headers = { accept: 'application/x-ndjson' };
      const response = await fetch(`${url}/v1/campaigns/${ids[i]}/audience`, { headers });
      const bytes = Buffer.from(await response.arrayBuffer());
      assert(response.ok && bytes.length > 0, `an audience is answered with ${response.status}`);
      return createHash('sha256').update(bytes).digest('hex');
    }),
  );
  assert(new Set(sums).size === 1, `both stores give the same audience: ${sums.join(', ')}`);
}

interface LookUps {
  /** Requests per second of each side, and processor seconds of its API process per request. */
  readonly perSecond: readonly (readonly number[])[];
  readonly processor: readonly (readonly number[])[];
  /** Requests about rankings that object storage answered meanwhile. */
  readonly fetched: number;
}

interface LookUpSizes {
  readonly users: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** Membership of random users, in turn. */
async function measureLookUps(
  sides: readonly Pick<Side, 'service'>[],
  { servers }: Rig,
  { users, seconds, rounds }: LookUpSizes,
): Promise<LookUps> {
  const seeds = people(SEEDS, users);
  // a prime stride visits them in an order without pattern
  const ids = people(DISTINCT, users).map((_, i, all) => all[(i * 7919) % all.length]!);
  const perSecond: number[][] = sides.map(() => []);
  const processor: number[][] = sides.map(() => []);
  const requests: Request[][] = [];
  for (const { service } of sides) {
    const { campaign } = await service.expand(seeds);
    const path = `/v1/campaigns/${campaign.id}/audience/members`;
    requests.push(ids.map((user) => ({ method: 'GET', path: `${path}/${user}` })));
  }
  for (let round = -WARM_LOADS; round < rounds; round++) {
    if (round === 0) await servers.requests();
    for (const [i, { service }] of sides.entries()) {
      const before = processorSeconds(service.pid);
      const loaded = await load(service.port, requests[i]!, { seconds, connections: CONNECTIONS });
      if (round < 0) continue;
      perSecond[i]!.push(loaded.perSecond);
      processor[i]!.push((1e6 * (processorSeconds(service.pid) - before)) / (loaded.perSecond * seconds));
    }
  }
  const fetched = (await servers.requests()).filter(({ key }) => key.includes('/audiences/')).length;
  return { perSecond, processor, fetched };
}

interface FilesOptions extends LookUpSizes {
  readonly ending: Ending;
  readonly rig: Rig;
}

/** Look-ups of services that keep no members in memory. */
async function fromFiles(
  population: string,
  folder: string,
  { ending, rig, ...sizes }: FilesOptions,
): Promise<LookUps> {
  const onStarted = { onStarted: ending.own.bind(ending), variables: { METAHEAC_LOG_LEVEL: 'error' } };
  const own = await startService(population, join(folder, 'from-files'), FROM_FILES, onStarted);
  const node = await rig.addNode('from-files', FROM_FILES);
  await prepared(own.url);
  return measureLookUps([{ service: own }, { service: node }], rig, sizes);
}

function reportOf(measured: {
  readonly users: number;
  readonly embedded: Side;
  readonly cluster: Side;
  readonly lookUps: LookUps;
  readonly read: LookUps;
}): Measurement {
  const { users, embedded, cluster, lookUps, read } = measured;
  const own = embedded.seconds['service']!;
  const { service, Postgres: postgres, 'object storage': storage } = cluster.seconds as Record<string, number[]>;
  const withPostgres = service!.map((value, i) => value + postgres![i]!);
  const all = withPostgres.map((value, i) => value + storage![i]!);
  const pairs = (lists: readonly (readonly number[])[]) => lists as readonly [number[], number[]];
  const campaign = 'processor seconds per campaign';
  const rows = [
    comparisonRow(`${campaign}: nodes, engine`, 's', own, service!, null),
    comparisonRow(`${campaign}: also Postgres`, 's', own, withPostgres, null),
    comparisonRow(`${campaign}: also object storage`, 's', own, all, atMost(1.3)),
    comparisonRow('from the POST until it is ready', 's', embedded.ready, cluster.ready, atMost(1.5, 0.5, 's')),
    comparisonRow('look-ups, members in memory', '/s', ...pairs(lookUps.perSecond), atLeast(0.8)),
    comparisonRow('its processor time per look-up', 'us', ...pairs(lookUps.processor), null),
    comparisonRow('look-ups, from files or the cache', '/s', ...pairs(read.perSecond), atLeast(0.8)),
    comparisonRow('its processor time per look-up', 'us', ...pairs(read.processor), null),
  ];
  const head = [`${users.toLocaleString('en')} users`, 'SQLite, files', 'Postgres, S3', 'ratio', 'allowed', 'kept'];
  const idle = Object.entries(cluster.idle).map(([name, share]) => `${name} ${(100 * share).toFixed(1)} %`);
  return {
    lines: [
      ...markdownTable(head, rows),
      '',
      ...wrapped(
        `Both services ran at the same time and took turns, ${own.length} campaigns each after a warm-up, with ` +
          `${SEEDS} seeds and more, ${THREADS} threads, and stored user sides. All audiences had equal bytes. During ` +
          `the look-ups, object storage answered ${lookUps.fetched + read.fetched} requests for rankings. Without ` +
          `work, the embedded service takes ${(100 * embedded.idle['service']!).toFixed(1)} % of a core; of the cluster: ` +
          `${idle.join(', ')}.`,
      ),
    ],
    figures: {
      ...{ embedded: own, service: service!, postgres: postgres!, objectStorage: storage! },
      ...{ readyEmbedded: embedded.ready, readyCluster: cluster.ready },
      ...{ lookUpsEmbedded: lookUps.perSecond[0]!, lookUpsCluster: lookUps.perSecond[1]! },
      ...{ readsEmbedded: read.perSecond[0]!, readsCluster: read.perSecond[1]! },
    },
  };
}
