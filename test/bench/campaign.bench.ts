/** A campaign from its POST until it is ready: seconds by stage, users per second, and the memory of all processes. */
import { join } from 'node:path';
import { memoryCountedOnce, watchMemory } from './processes.ts';
import { type BenchOptions, type BenchReport, type Figure, figure } from './report.ts';
import { makePopulation, people, startService, withFolder } from './service.ts';

/** The second number shows whether the time per user grows with the number of users. */
const USERS = { full: [1_000_000, 250_000], quick: [50_000, 12_500] } as const;
const EXPANSIONS = 10;
const SEEDS = 200;
/** Stages whose time does not depend on the number of users. */
const FIXED_STAGES = ['queued', 'adapting'];

interface Run {
  /** From the POST until the campaign is ready; the first one after the start comes first. */
  readonly seconds: readonly number[];
  /** By stage, in the order of the expansions. */
  readonly stages: Readonly<Record<string, readonly number[]>>;
  /** Maximum memory of all processes, after each expansion: pages shared by two of them are counted twice. */
  readonly bytes: readonly number[];
  /** Their memory at the end, with shared pages counted once. */
  readonly bytesCountedOnce: number;
}

export async function benchCampaign({ quick, users, note }: BenchOptions): Promise<BenchReport> {
  const sizes = users === null ? USERS[quick ? 'quick' : 'full'] : [users];
  const results: Record<string, Figure> = {};
  const perUser: number[] = [];
  const growth: number[] = [];
  for (const size of sizes) {
    const run = await runCampaigns(size, note);
    const name = `${size.toLocaleString('en')} users`;
    const [first, ...rest] = run.seconds;
    results[`${name}: first after the start`] = figure([first!], 's');
    results[`${name}: ready`] = figure(rest, 's');
    for (const [stage, times] of Object.entries(run.stages)) results[`${name}: ${stage}`] = figure(times.slice(1), 's');
    results[`${name}: memory`] = figure(
      run.bytes.map((bytes) => bytes / 2 ** 20),
      'MiB',
    );
    results[`${name}: memory at rest, shared pages once`] = figure([run.bytesCountedOnce / 2 ** 20], 'MiB');
    perUser.push(results[`${name}: ready`]!.median - fixedSeconds(run), size);
    growth.push(run.bytes.at(-1)! / run.bytes[1]!);
  }
  const [large, many, small, few] = perUser;
  return {
    results,
    ratios: {
      tenth_memory_vs_second: growth[0]!,
      ...(small === undefined ? {} : { per_user_large_vs_small: large! / many! / (small / few!) }),
    },
  };
}

function fixedSeconds({ stages }: Run): number {
  return FIXED_STAGES.reduce((sum, stage) => sum + figure(stages[stage]!.slice(1), 's').median, 0);
}

async function runCampaigns(users: number, note: BenchOptions['note']): Promise<Run> {
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const service = await startService(await makePopulation(folder, users), join(folder, 'service'));
    const seconds: number[] = [];
    const bytes: number[] = [];
    const stages: Record<string, number[]> = {};
    let bytesCountedOnce = 0;
    try {
      for (let i = 0; i < EXPANSIONS; i++) {
        const memory = watchMemory(service.pid);
        const { campaign, seconds: took } = await service.expand(people(SEEDS + i, users));
        bytes.push(memory.stop());
        seconds.push(took);
        for (const [stage, time] of Object.entries(campaign.timings as Record<string, number>))
          stages[stage] = [...(stages[stage] ?? []), time];
      }
      bytesCountedOnce = memoryCountedOnce(service.pid);
    } finally {
      await service.stop();
    }
    return { seconds, stages, bytes, bytesCountedOnce };
  });
}
