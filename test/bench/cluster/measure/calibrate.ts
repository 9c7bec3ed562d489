/**
 * Measures the costs of one engine that the simulation needs, and writes them; then compares its predictions with runs
 * of 1, 2 and 4 engines on this machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CampaignStore } from '../../../../src/domain/ports/store.ts';
import type { ThreadSeconds } from '../../../../src/domain/run-facts.ts';
import { assert } from '../../../../src/lib/errors.ts';
import { SEGMENT_ROWS } from '../../../../src/population/read/segments.ts';
import type { AnsweredRequest } from '../../../fixture/s3/s3-server.ts';
import { wrapped } from '../../page.ts';
import { secondsByThread } from '../../processes.ts';
import { figure } from '../../report.ts';
import { type BenchService, people } from '../../service.ts';
import type { CostsFile, MeasuredRun } from '../costs.ts';
import { errorTable, predictRun } from '../table.ts';
import { coordinationOf, type FleetSize, startFleet } from './engines.ts';
import type { Measurement, MeasureOptions } from './measurement.ts';
import { costsOf } from './observed-costs.ts';
import { type Rig, startRig } from './rig.ts';
import { measureDatabase, measureStorage, openerOf } from './server-costs.ts';

const SIZES = {
  full: {
    ...{ users: 4_000_000, rangeSegments: 16, warmUp: 3, profiled: 5, repeats: 3, queue: 8 },
    servers: { calls: 2000, smallBlobs: 200, parts: 32 },
  },
  quick: {
    ...{ users: 4 * SEGMENT_ROWS, rangeSegments: 1, warmUp: 1, profiled: 1, repeats: 1, queue: 2 },
    servers: { calls: 100, smallBlobs: 20, parts: 3 },
  },
};
const SEEDS = 200;
const RARE_MS = 250;
const LOOK_EVERY_MS = 50;
const AFTERWARDS_MS = 2000;
const CORES = 2;
const FLEETS: readonly FleetSize[] = [
  { engines: 1, threads: 2 },
  { engines: 2, threads: 1 },
  { engines: 4, threads: 1 },
];
/** Predictions may be off by this share. */
const ALLOWED = 0.15;

export async function benchCalibrate(options: MeasureOptions): Promise<Measurement> {
  const { quick, note, ending, populationOf, known } = options;
  const { users, rangeSegments, warmUp, profiled, repeats, queue, servers: sizes } = quick ? SIZES.quick : SIZES.full;
  const folder = ending.folder();
  const population = await populationOf(users);
  const settings = { METAHEAC_RANGE_SEGMENTS: String(rangeSegments) };
  const rig = await startRig({ population, folder, ending, settings });
  const fleet = await startFleet(rig, folder, { sizes: FLEETS, note });
  note('an engine with an empty cache');
  const cold = await readCold(rig, users);
  note('calls of the database and of object storage');
  const opener = openerOf(rig.servers, folder);
  const store = await opener.open();
  ending.defer(() => store.close());
  const database = await withWaitingCampaign(rig.node, users, () => measureDatabase(store, rig.servers, sizes));
  const storage = await measureStorage(opener, rig.servers, sizes);
  note('campaigns on one engine');
  const observed = await fleet.withOnly(FLEETS[0]!, async ([engine]) => {
    for (let i = 0; i < warmUp; i++) await rig.node.expand(people(SEEDS + i, users), RARE_MS);
    await sleep(AFTERWARDS_MS);
    const calls = await coordinationOf(engine!, { rig, folder, users, campaigns: profiled });
    await rig.servers.requests();
    const { ids } = await runCampaigns(rig.node, users, 1);
    await sleep(AFTERWARDS_MS);
    const requests = await rig.servers.requests();
    const [threads] = await threadSecondsOf(store, ids);
    const before = secondsOfOthers(engine!.worker);
    await runCampaigns(rig.node, users, queue);
    await sleep(AFTERWARDS_MS);
    const seconds = secondsOfOthers(engine!.worker) - before;
    return { calls, requests, threads: threads!, together: { seconds, campaigns: queue } };
  });
  const costs = costsOf({ users, rangeSegments, cold, database, storage, ...observed });
  const runs: MeasuredRun[] = [];
  for (const size of FLEETS)
    for (const campaigns of [1, queue]) {
      const { engines, threads } = size;
      note(`${campaigns} campaigns on ${engines} engines`);
      const seconds: number[] = [];
      await fleet.withOnly(size, async () => {
        await runCampaigns(rig.node, users, engines); // reads what their caches lack
        for (let i = 0; i < repeats; i++) seconds.push((await runCampaigns(rig.node, users, campaigns)).seconds);
      });
      runs.push({ engines, threads, cores: CORES, users, campaigns, seconds: figure(seconds, 's').median });
    }
  return reportOf({ costs, elsewhere: known.elsewhere, runs });
}

/** Processor seconds so far of all threads of a process but the first. */
function secondsOfOthers(pid: number): number {
  const { first, ...others } = secondsByThread(pid);
  return Object.values(others).reduce((sum, seconds) => sum + seconds, 0);
}

/** Expands a campaign on an engine with an empty cache; returns what it reads of the population. */
async function readCold(rig: Rig, users: number): Promise<readonly AnsweredRequest[]> {
  await rig.servers.requests();
  const engine = await rig.addEngine('cold', 2);
  // tables of ids are read at the start, too, but not by segment
  const sides = (await rig.servers.requests()).filter(({ key }) => key.includes('/user-sides/'));
  await rig.node.expand(people(SEEDS, users), RARE_MS);
  await sleep(AFTERWARDS_MS);
  engine.freeze();
  return [...sides, ...(await rig.servers.requests())];
}

/** A campaign that no engine takes, because all stand still. */
async function withWaitingCampaign<T>(node: BenchService, users: number, use: () => Promise<T>): Promise<T> {
  const body = { name: 'waits', seeds: people(SEEDS, users), audience: { percent: 5 } };
  const { json } = await node.call('POST', '/v1/campaigns', body);
  try {
    return await use();
  } finally {
    await fetch(`${node.url}/v1/campaigns/${json.id}`, { method: 'DELETE' });
  }
}

/** Posts campaigns at once; returns the seconds until the last one is ready. */
async function runCampaigns(
  node: BenchService,
  users: number,
  campaigns: number,
): Promise<{ readonly ids: readonly string[]; readonly seconds: number }> {
  const start = performance.now();
  const all = Array.from({ length: campaigns }, (_, i) => node.expand(people(SEEDS + i, users), LOOK_EVERY_MS));
  const ids = (await Promise.all(all)).map(({ campaign }) => campaign.id as string);
  return { ids, seconds: (performance.now() - start) / 1000 };
}

async function threadSecondsOf(store: CampaignStore, ids: readonly string[]): Promise<readonly ThreadSeconds[]> {
  const all: ThreadSeconds[] = [];
  for (const id of ids) {
    const [expansion] = (await store.expansionsOf(id, { limit: 1 })).items;
    const seconds = expansion?.computedWith?.threadSeconds;
    assert(seconds !== undefined, 'an expansion has its thread-seconds');
    all.push(seconds);
  }
  return all;
}

function reportOf(file: CostsFile): Measurement {
  const { costs, runs } = file;
  const errors = runs.map((run) => Math.abs(predictRun(costs, run) / run.seconds - 1));
  const predicted = errors.filter((_, i) => runs[i]!.engines > 1);
  const worst = Math.max(...predicted);
  return {
    lines: [
      ...errorTable(file),
      '',
      ...wrapped(
        'The time from the first POST until the last campaign is ready, with warm caches, and what the simulation ' +
          'predicts from the costs of one engine with two threads. The engines share two cores with each other, the ' +
          `database and the object storage. With 2 and 4 engines, predictions are off by ${(100 * worst).toFixed(1)} % ` +
          `at most (allowed: ${100 * ALLOWED} %, ${worst <= ALLOWED ? 'kept' : '**not kept**'}).`,
      ),
    ],
    figures: { errors },
    costs: file,
  };
}
