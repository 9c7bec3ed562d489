/** How time and memory grow with users, seeds, and campaigns queued at once: one table from one run. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { watchMemory } from './processes.ts';
import { type BenchOptions, type BenchReport, type Figure, figure, median } from './report.ts';
import { type BenchService, type Expanded, makePopulation, people, startService, withFolder } from './service.ts';

const USERS = { full: [10_000, 100_000, 1_000_000], quick: [2_000, 10_000] } as const;
const SEEDS = { full: [50, 200, 2_000, 20_000], quick: [50, 200] } as const;
const QUEUED = { full: [5, 20], quick: [3] } as const;
/** Repeats of each row with one campaign; the table has the median. */
const REPEATS = { full: 3, quick: 1 } as const;
/** Seeds of each campaign if several are queued. */
const QUEUE_SEEDS = 200;
/** Maximum share of users who are seeds. */
const MOST_SEEDS = 1 / 4;
const STAGES = ['finding', 'adapting', 'scoring', 'ranking'] as const;

/** The scenario, seconds by stage (a campaign's median), and the maximum memory of all processes. */
export interface GrowthRow {
  readonly users: number;
  readonly seeds: number;
  readonly campaigns: number;
  /** From the first POST until the last campaign is ready. */
  readonly ready: number;
  readonly stages: readonly number[];
  readonly bytes: number;
}

interface Sizes {
  readonly seeds: readonly number[];
  readonly queued: readonly number[];
  readonly repeats: number;
}

interface Disk {
  readonly population: number;
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
    const data = join(folder, 'service');
    const service = await startService(population, data);
    const rows: GrowthRow[] = [];
    try {
      // the first in each thread opens what the others use
      await Promise.all([1, 2].map((i) => service.expand(people(QUEUE_SEEDS + i, users))));
      for (const seeds of sizes.seeds.filter((count) => count <= users * MOST_SEEDS)) {
        note(`${named(users)} users, ${named(seeds)} seeds`);
        rows.push(await measureSeeds(service, users, seeds, sizes.repeats));
      }
      for (const campaigns of sizes.queued) {
        note(`${named(users)} users, ${campaigns} campaigns queued`);
        rows.push(await measureQueue(service, users, campaigns));
      }
    } finally {
      await service.stop();
    }
    const versions = sizes.queued.reduce((sum, count) => sum + count, 2 + sizes.repeats * rowsOfOne(rows));
    const audience = bytesIn(join(data, 'audiences')) / versions;
    return { rows, disk: { population: bytesIn(population), audience } };
  });
}

function rowsOfOne(rows: readonly GrowthRow[]): number {
  return rows.filter(({ campaigns }) => campaigns === 1).length;
}

/** Campaigns one after another. */
async function measureSeeds(service: BenchService, users: number, seeds: number, repeats: number): Promise<GrowthRow> {
  const memory = watchMemory(service.pid);
  const expanded: Expanded[] = [];
  for (let i = 0; i < repeats; i++) expanded.push(await service.expand(people(seeds - i, users)));
  const ready = median(expanded.map(({ seconds }) => seconds));
  return { users, seeds, campaigns: 1, ready, stages: stagesOf(expanded), bytes: memory.stop() };
}

/** Campaigns that are all queued at once. */
async function measureQueue(service: BenchService, users: number, campaigns: number): Promise<GrowthRow> {
  const memory = watchMemory(service.pid);
  const expanded = await Promise.all(
    Array.from({ length: campaigns }, (_, i) => service.expand(people(QUEUE_SEEDS + i, users))),
  );
  const ready = Math.max(...expanded.map(({ seconds }) => seconds));
  return { users, seeds: QUEUE_SEEDS, campaigns, ready, stages: stagesOf(expanded), bytes: memory.stop() };
}

function stagesOf(expanded: readonly Expanded[]): number[] {
  return STAGES.map((stage) => median(expanded.map(({ campaign }) => campaign.timings[stage] as number)));
}

function figuresOf({ users, seeds, campaigns, ready, stages, bytes }: GrowthRow): Record<string, Figure> {
  const name = `${named(users)} users, ${campaigns} x ${named(seeds)} seeds`;
  return {
    [`${name}: ready`]: figure([ready], 's'),
    ...Object.fromEntries(STAGES.map((stage, i) => [`${name}: ${stage}`, figure([stages[i]!], 's')])),
    [`${name}: memory`]: figure([bytes / 2 ** 20], 'MiB'),
  };
}

/** Each size compared with the previous one: 1 if the time per user, or per campaign, stays the same. */
function ratiosOf(rows: readonly GrowthRow[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  rows.forEach((row, i) => {
    const before = rows[i - 1];
    if (before === undefined) return;
    if (row.campaigns > before.campaigns)
      ratios[`${named(row.users)} users: a campaign of ${row.campaigns} queued vs alone`] =
        row.ready / row.campaigns / rows.find((one) => isAlone(one, row))!.ready;
    const smaller = rows.filter((one) => one.users < row.users && isAlone(one, { ...row, users: one.users })).at(-1);
    if (row.campaigns === 1 && row.seeds === QUEUE_SEEDS && smaller !== undefined)
      ratios[`scoring a user of ${named(row.users)} vs of ${named(smaller.users)}`] =
        row.stages[2]! / row.users / (smaller.stages[2]! / smaller.users);
  });
  return ratios;
}

function isAlone(one: GrowthRow, { users, seeds }: Pick<GrowthRow, 'users' | 'seeds'>): boolean {
  return one.campaigns === 1 && one.users === users && one.seeds === seeds;
}

/** The table of docs/performance.md. */
export function growthTable(rows: readonly GrowthRow[]): string[] {
  const heads = ['users', 'seeds', 'campaigns', 'ready', ...STAGES, 'memory of all processes'];
  const lines = rows.map(({ users, seeds, campaigns, ready, stages, bytes }) => [
    ...[users, seeds, campaigns].map(named),
    ...[ready, ...stages].map((time) => `${time.toFixed(2).replace(/^0\./, '.')} s`),
    `${named(Math.round(bytes / 2 ** 20))} MiB`,
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...lines.map((line) => line[column]!.length)));
  const draw = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [draw(heads), draw(widths.map((width) => '-'.repeat(width))), ...lines.map(draw)];
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
