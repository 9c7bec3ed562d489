/**
 * A campaign from its POST until it is ready: seconds by stage, users per second, and the memory of all processes. First
 * campaigns, after starts and after a switch, have figures of their own.
 */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { assert } from '../../src/lib/errors.ts';
import { openPopulation } from '../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update.ts';
import { dropCache, memoryCountedOnce, watchMemory } from './processes.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, ratio } from './report.ts';
import {
  type BenchService,
  DEMO_MODEL,
  makePopulation,
  people,
  startService,
  WHOLE_GRAPH,
  withFolder,
} from './service.ts';

/** The second number shows whether the time per user grows with the number of users. */
const USERS = { full: [1_000_000, 250_000], quick: [50_000, 12_500] } as const;
const EXPANSIONS = 16;
/** The first expansions of a service are not counted: its code is compiled and its pages are read during them. */
const WARM_UP = 6;
const SEEDS = 200;
/** Stages whose time does not depend on the number of users. */
const FIXED_STAGES = ['queued', 'adapting'];

interface Run {
  /** From the POST until the campaign is ready; the first one after the start comes first. */
  readonly seconds: number[];
  /** By stage, in the order of the expansions. */
  readonly stages: Record<string, number[]>;
  /** Maximum memory of all processes, after each expansion: pages shared by two of them are counted twice. */
  readonly bytes: number[];
  /** Their memory at the end, with shared pages counted once. */
  bytesCountedOnce: number;
}

export async function benchCampaign({ quick, users, note }: BenchOptions): Promise<BenchReport> {
  const sizes = users === null ? USERS[quick ? 'quick' : 'full'] : [users];
  const results: Record<string, Figure> = {};
  const ratios: Record<string, number> = {};
  const perUser: number[] = [];
  for (const size of sizes) {
    const { stored, graph, firsts } = await runCampaigns(size, note);
    addFigures(results, `${size.toLocaleString('en')} users`, stored);
    addFigures(results, `${size.toLocaleString('en')} users, whole graph`, graph);
    for (const [start, seconds] of Object.entries(firsts))
      results[`${size.toLocaleString('en')} users: ${start}`] = figure([seconds], 's');
    const steady = figure(stored.seconds.slice(WARM_UP), 's').median;
    ratios[`first_${shortName(size)}_vs_steady`] = firsts['later start, warm: first campaign']! / steady;
    ratios[`switch_${shortName(size)}_vs_graph`] =
      firsts['after a switch: first campaign']! / firsts['after a switch, whole graph: first campaign']!;
    ratios[`ready_${shortName(size)}_vs_graph`] = ratio(stored.seconds.slice(WARM_UP), graph.seconds.slice(WARM_UP));
    ratios[`memory_${shortName(size)}_vs_graph`] = ratio(stored.bytes.slice(WARM_UP), graph.bytes.slice(WARM_UP));
    ratios['tenth_memory_vs_second'] ??= stored.bytes.at(-1)! / stored.bytes[1]!;
    perUser.push((figure(stored.seconds.slice(WARM_UP), 's').median - fixedSeconds(stored)) / size);
  }
  const [large, small] = perUser;
  if (small !== undefined) ratios['per_user_large_vs_small'] = large! / small;
  return { results, ratios };
}

function addFigures(results: Record<string, Figure>, name: string, run: Run): void {
  for (const number of [1, 2, WARM_UP + 1])
    results[`${name}: campaign ${number} after the start`] = figure([run.seconds[number - 1]!], 's');
  results[`${name}: ready`] = figure(run.seconds.slice(WARM_UP), 's');
  for (const [stage, times] of Object.entries(run.stages))
    results[`${name}: ${stage}`] = figure(times.slice(WARM_UP), 's');
  results[`${name}: memory`] = figure(
    run.bytes.slice(WARM_UP).map((bytes) => bytes / 2 ** 20),
    'MiB',
  );
  results[`${name}: memory at rest, shared pages once`] = figure([run.bytesCountedOnce / 2 ** 20], 'MiB');
}

/** `250k`, `1m` */
function shortName(users: number): string {
  return users >= 1_000_000 ? `${users / 1_000_000}m` : `${users / 1_000}k`;
}

function fixedSeconds({ stages }: Run): number {
  return FIXED_STAGES.reduce((sum, stage) => sum + figure(stages[stage]!.slice(WARM_UP), 's').median, 0);
}

/** Expands campaigns in turn with stored user sides and with the whole graph. */
async function runCampaigns(
  users: number,
  note: BenchOptions['note'],
): Promise<{ readonly stored: Run; readonly graph: Run; readonly firsts: Firsts }> {
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const population = await makePopulation(folder, users);
    const firsts = await firstCampaigns(population, folder, users);
    const { version } = openPopulation(population, { trusted: true });
    const made = storeUserSides(
      { model: DEMO_MODEL, population, populationVersion: version, device: 'cpu', threads: 2 },
      Number.MAX_SAFE_INTEGER,
      () => {},
    );
    assert((await made)?.end === null, 'all user sides are stored');
    const [stored, graph] = [emptyRun(), emptyRun()];
    const services = [
      { run: stored, service: await startService(population, join(folder, 'stored')) },
      { run: graph, service: await startService(population, join(folder, 'graph'), WHOLE_GRAPH) },
    ];
    try {
      for (let i = 0; i < EXPANSIONS; i++)
        for (const { run, service } of services) await expandOne(service, run, i, users);
      for (const { run, service } of services) run.bytesCountedOnce = memoryCountedOnce(service.pid);
    } finally {
      for (const { service } of services) await service.stop();
    }
    return { stored, graph, firsts };
  });
}

/** Seconds, by what was timed. */
type Firsts = Readonly<Record<string, number>>;

/** Times starts of services on copies of a population, and their first campaigns after a start and after a switch. */
async function firstCampaigns(population: string, folder: string, users: number): Promise<Firsts> {
  const firsts: Record<string, number> = {};
  const [cold, warm] = ['cold', 'warm'].map((name) => join(folder, name)) as [string, string];
  for (const copy of [cold, warm]) cpSync(population, copy, { recursive: true });
  /** Serves a copy from a data folder, does all of `actions`, and times a campaign after each. */
  const start = async (copy: string, name: string, actions: Actions, limits = {}) => {
    const begun = performance.now();
    const service = await startService(copy, join(folder, name), limits);
    firsts[`${name}: ready`] = (performance.now() - begun) / 1000;
    try {
      for (const [when, act] of Object.entries(actions)) {
        await act(service);
        firsts[`${when}: first campaign`] = (await service.expand(people(SEEDS, users))).seconds;
      }
    } finally {
      await service.stop();
    }
  };
  const untilDropped = async (service: BenchService) => {
    await untilWarm(service);
    dropCache(warm);
  };
  const toAnother = (copy: string) => (service: BenchService) => switchPopulation(service, copy, users);
  const atOnce = async () => {};
  await start(cold, 'first start', { 'first start': atOnce });
  await start(warm, 'first start, warm', { 'first start, warm': untilWarm });
  await start(warm, 'later start', { 'later start': atOnce });
  await start(warm, 'later start, warm', { 'later start, warm': untilWarm, 'after a switch': toAnother(warm) });
  await start(warm, 'cold page cache', { 'cold page cache': untilDropped });
  const graph = { 'whole graph': untilWarm, 'after a switch, whole graph': toAnother(cold) };
  await start(cold, 'whole graph', graph, WHOLE_GRAPH);
  return firsts;
}

type Actions = Readonly<Record<string, (service: BenchService) => Promise<void>>>;

async function untilWarm(service: BenchService): Promise<void> {
  while (!(await service.call('GET', '/readyz')).json.warm) await sleep(50);
}

/** Serves a version in which each segment has lost a user, so that no user side is left. */
async function switchPopulation(service: BenchService, population: string, users: number): Promise<void> {
  const gone = join(population, '..', 'gone.txt');
  const { segmentCount } = openPopulation(population, { trusted: true });
  writeFileSync(
    gone,
    people(4 * segmentCount, users)
      .map((user) => `${user}\n`)
      .join(''),
  );
  const schema = (features: Parameters<typeof schemaOfFeatures>[0]) => schemaOfFeatures(features, new Map());
  await updateFiles({ population, changed: [], deleted: [gone], schema });
  const { version } = openPopulation(population, { trusted: true });
  const { status, json } = await service.call('POST', `/v1/populations/${version}/activate`);
  if (status !== 200) throw new Error(JSON.stringify(json));
}

async function expandOne(service: BenchService, run: Run, number: number, users: number): Promise<void> {
  const memory = watchMemory(service.pid);
  const { campaign, seconds } = await service.expand(people(SEEDS + number, users));
  run.bytes.push(memory.stop());
  run.seconds.push(seconds);
  for (const [stage, time] of Object.entries(campaign.timings as Record<string, number>))
    run.stages[stage] = [...(run.stages[stage] ?? []), time];
}

function emptyRun(): Run {
  return { seconds: [], stages: {}, bytes: [], bytesCountedOnce: 0 };
}
