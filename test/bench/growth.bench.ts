/**
 * How time and memory grow with users, seeds, and campaigns queued at once: one table from one run, with stored user
 * sides and, in turn, with the whole graph.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { openPopulation } from '../../src/population/read.ts';
import { markdownTable } from './page.ts';
import { dropCache, watchMemory } from './processes.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, median } from './report.ts';
import {
  type BenchService,
  DEMO_MODEL,
  type Expanded,
  makePopulation,
  people,
  startService,
  WHOLE_GRAPH,
  withFolder,
} from './service.ts';

const USERS = { full: [100_000, 1_000_000], quick: [2_000, 10_000] } as const;
const SEEDS = { full: [50, 200, 2_000, 20_000], quick: [50, 200] } as const;
const QUEUED = { full: [5, 20], quick: [3] } as const;
/** Repeats of each row with one campaign; the table has the median. */
const REPEATS = { full: 3, quick: 1 } as const;
/** Seeds of each campaign if several are queued. */
const QUEUE_SEEDS = 200;
/** Maximum share of users who are seeds. */
const MOST_SEEDS = 1 / 4;
const STAGES = ['finding', 'adapting', 'scoring', 'ranking'] as const;

/** What one service took. */
interface Growth {
  /** From the first POST until the last campaign is ready. */
  readonly ready: number;
  /** Seconds by stage: a campaign's median. */
  readonly stages: readonly number[];
  /** Maximum memory of all processes. */
  readonly bytes: number;
}

interface GrowthRow {
  readonly users: number;
  readonly seeds: number;
  readonly campaigns: number;
  /** Whether the files of the population were read from the disk, not from memory. */
  readonly isCold: boolean;
  readonly stored: Growth;
  readonly graph: Growth;
}

interface Sizes {
  readonly seeds: readonly number[];
  readonly queued: readonly number[];
  readonly repeats: number;
}

interface Disk {
  readonly population: number;
  readonly userSides: number;
  readonly audience: number;
}

/** `users` is measured in addition to the benchmark's own numbers of users. */
export async function benchGrowth({ quick, users, note }: BenchOptions): Promise<BenchReport> {
  const kind = quick ? 'quick' : 'full';
  const sizes: Sizes = { seeds: SEEDS[kind], queued: QUEUED[kind], repeats: REPEATS[kind] };
  const rows: GrowthRow[] = [];
  const results: Record<string, Figure> = {};
  for (const size of [...USERS[kind], ...(users === null ? [] : [users])]) {
    const { rows: own, disk } = await measure(size, sizes, note);
    rows.push(...own);
    results[`${named(size)} users: population on disk`] = figure([disk.population / size], 'bytes/user');
    results[`${named(size)} users: user sides on disk`] = figure([disk.userSides / size], 'bytes/user');
    results[`${named(size)} users: an audience on disk`] = figure([disk.audience / size], 'bytes/user');
  }
  for (const row of rows) Object.assign(results, figuresOf(row));
  return { results, ratios: ratiosOf(rows), markdown: growthTable(rows) };
}

async function measure(
  users: number,
  sizes: Sizes,
  note: BenchOptions['note'],
): Promise<{ readonly rows: readonly GrowthRow[]; readonly disk: Disk }> {
  return withFolder(async (folder) => {
    note(`making a population of ${named(users)} people`);
    const population = await makePopulation(folder, users);
    const bytes = bytesIn(population);
    const { version } = openPopulation(population, { trusted: true });
    const config = { model: DEMO_MODEL, population, populationVersion: version, device: 'cpu', threads: 2 };
    await storeUserSides(config, Number.MAX_SAFE_INTEGER, () => {});
    const data = join(folder, 'stored');
    const services: Services = {
      stored: await startService(population, data),
      graph: await startService(population, join(folder, 'graph'), WHOLE_GRAPH),
    };
    const rows: GrowthRow[] = [];
    try {
      // the first in each thread opens what the others use
      for (const service of Object.values(services))
        await Promise.all([1, 2].map((i) => service.expand(people(QUEUE_SEEDS + i, users))));
      for (const seeds of sizes.seeds.filter((count) => count <= users * MOST_SEEDS)) {
        note(`${named(users)} users, ${named(seeds)} seeds`);
        const row = { users, seeds, campaigns: 1, isCold: false };
        rows.push({ ...row, ...(await inTurn(services, row, sizes.repeats)) });
      }
      for (const campaigns of sizes.queued) {
        note(`${named(users)} users, ${campaigns} campaigns queued`);
        const row = { users, seeds: QUEUE_SEEDS, campaigns, isCold: false };
        rows.push({ ...row, ...(await inTurn(services, row, 1)) });
      }
      const row = { users, seeds: QUEUE_SEEDS, campaigns: 1, isCold: true };
      rows.push({ ...row, ...(await inTurn(services, row, sizes.repeats, () => dropCache(population))) });
    } finally {
      for (const service of Object.values(services)) await service.stop();
    }
    const audiences = readdirSync(join(data, 'audiences')).length;
    return {
      rows,
      disk: {
        population: bytes,
        userSides: bytesIn(population) - bytes,
        audience: bytesIn(join(data, 'audiences')) / audiences,
      },
    };
  });
}

interface Services {
  readonly stored: BenchService;
  readonly graph: BenchService;
}

/** Expands the campaigns of a row `repeats` times with both services; `before` is called each time. */
async function inTurn(
  services: Services,
  { users, seeds, campaigns }: Pick<GrowthRow, 'users' | 'seeds' | 'campaigns'>,
  repeats: number,
  before: () => void = () => {},
): Promise<Pick<GrowthRow, 'stored' | 'graph'>> {
  const times: Record<keyof Services, Growth[]> = { stored: [], graph: [] };
  for (let i = 0; i < repeats; i++)
    for (const name of ['stored', 'graph'] as const) {
      before();
      const service = services[name];
      const memory = watchMemory(service.pid);
      const expanded = await Promise.all(
        Array.from({ length: campaigns }, (_, j) => service.expand(people(seeds + i + j, users))),
      );
      const ready = Math.max(...expanded.map(({ seconds }) => seconds));
      times[name].push({ ready, stages: stagesOf(expanded), bytes: memory.stop() });
    }
  return { stored: middle(times.stored), graph: middle(times.graph) };
}

/** The run with the median time. */
function middle(runs: readonly Growth[]): Growth {
  return [...runs].sort((a, b) => a.ready - b.ready)[runs.length >> 1]!;
}

function stagesOf(expanded: readonly Expanded[]): number[] {
  return STAGES.map((stage) => median(expanded.map(({ campaign }) => campaign.timings[stage] as number)));
}

function figuresOf({ users, seeds, campaigns, isCold, ...ways }: GrowthRow): Record<string, Figure> {
  const name = `${named(users)} users, ${campaigns} x ${named(seeds)} seeds${isCold ? ', cold' : ''}`;
  return Object.fromEntries(
    (['stored', 'graph'] as const).flatMap((way) => {
      const { ready, stages, bytes } = ways[way];
      const own = way === 'graph' ? `${name}, whole graph` : name;
      return [
        [`${own}: ready`, figure([ready], 's')],
        ...STAGES.map((stage, i) => [`${own}: ${stage}`, figure([stages[i]!], 's')]),
        [`${own}: memory`, figure([bytes / 2 ** 20], 'MiB')],
      ];
    }),
  );
}

/** Each size compared with the previous one: 1 if the time per user, or per campaign, stays the same. */
function ratiosOf(rows: readonly GrowthRow[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  const warm = rows.filter(({ isCold }) => !isCold);
  for (const row of warm) {
    const name = `${named(row.users)} users, ${row.campaigns} x ${named(row.seeds)} seeds`;
    ratios[`${name}: ready vs whole graph`] = row.stored.ready / row.graph.ready;
    const alone = warm.find((one) => one.campaigns === 1 && one.users === row.users && one.seeds === row.seeds);
    if (row.campaigns > 1 && alone)
      ratios[`${named(row.users)} users: a campaign of ${row.campaigns} queued vs alone`] =
        row.stored.ready / row.campaigns / alone.stored.ready;
  }
  return ratios;
}

/** The table of docs/performance.md: with stored user sides, and in brackets with the whole graph. */
function growthTable(rows: readonly GrowthRow[]): string[] {
  const heads = ['users', 'seeds', 'campaigns', 'ready (whole graph)', 'finding', 'adapting', 'scoring', 'memory'];
  const seconds = (time: number) => `${time.toFixed(2).replace(/^0\./, '.')} s`;
  const lines = rows.map(({ users, seeds, campaigns, isCold, stored, graph }) => [
    `${named(users)}${isCold ? ', cold' : ''}`,
    named(seeds),
    named(campaigns),
    `${seconds(stored.ready)} (${seconds(graph.ready)})`,
    seconds(stored.stages[0]!),
    ...[1, 2].map((i) => `${seconds(stored.stages[i]!)} (${seconds(graph.stages[i]!)})`),
    `${mebibytes(stored.bytes)} (${mebibytes(graph.bytes)})`,
  ]);
  return markdownTable(heads, lines);
}

function mebibytes(bytes: number): string {
  return `${named(Math.round(bytes / 2 ** 20))} MiB`;
}

function named(count: number): string {
  return count.toLocaleString('en');
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}
