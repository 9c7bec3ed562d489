/** Profiles the first thread of an engine, and tells the time of calls to the store from that of other work. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { secondsByThread } from '../../processes.ts';

const PRELOADED = join(import.meta.dirname, 'children', 'profile-calls.mjs');
const LOOK_EVERY_MS = 50;
/** Until the profiler runs. */
const BEGIN_MS = 500;
/** Writing a large profile takes seconds. */
const WRITE_MS = 60_000;

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.int()).optional(),
    }),
  ),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

export type Profile = z.infer<typeof profileSchema>;

/** What the first thread of an engine does. */
export type Kind = 'database' | 'storage' | 'merge' | 'parts' | 'other' | 'garbage' | 'native' | 'profiler' | 'idle';

/**
 * Sources of each kind, most telling first: a sample is of the kind of its innermost frame that is listed. Hashing and
 * signing what is stored are calls of the storage; sorting it is not.
 */
const SOURCES: readonly (readonly [Kind, RegExp])[] = [
  ['database', /\/src\/storage\/postgres\/|\/node_modules\/(pg|pg-[a-z]+|postgres-[a-z]+)\//],
  ['storage', /\/src\/storage\/|\/node_modules\/(@aws-sdk|@smithy|@aws-crypto|fast-xml-[a-z]+)\//],
  ['merge', /\/src\/audience\/parts\/(merge-parts|slices|ranking-part)\./],
  ['parts', /\/src\/audience\/parts\/write-part\./],
  ['profiler', /inspector|profile-calls/],
  ['other', /\/src\/|\/packages\//],
];

/** Variables for an engine that can be profiled; `folder` receives its profiles. */
export function profilable(folder: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${PRELOADED}`, BENCH_PROFILE: join(folder, 'profile') };
}

export interface Profiled {
  /** Processor seconds of the engine's first thread by kind, without those of the profiler. */
  readonly seconds: Readonly<Record<Kind, number>>;
  /** Processor seconds of its other threads, by name. */
  readonly threads: Readonly<Record<string, number>>;
}

/** Profiles an engine that was started with `profilable` while `work` runs. */
export async function profile(pid: number, folder: string, work: () => Promise<unknown>): Promise<Profiled> {
  process.kill(pid, 'SIGUSR2');
  await sleep(BEGIN_MS);
  const before = secondsByThread(pid);
  await work();
  const after = secondsByThread(pid);
  process.kill(pid, 'SIGUSR2');
  const file = join(folder, `profile-${pid}.json`);
  const end = performance.now() + WRITE_MS;
  while (!existsSync(file)) {
    if (performance.now() > end) throw new Error('the profile was not written');
    await sleep(LOOK_EVERY_MS);
  }
  const read = profileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  rmSync(file);
  const { first, ...threads } = Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]),
  );
  return { seconds: divide(read, first!), threads };
}

/**
 * Divides the processor seconds of a thread by the samples of its profile. Samples are taken by the clock, so those
 * that were idle are left out.
 */
function divide({ nodes, samples, timeDeltas }: Profile, processorSeconds: number): Record<Kind, number> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const kinds = new Map(nodes.map(({ id }) => [id, kindOf(id)]));
  const all: Record<Kind, number> = {
    ...{ database: 0, storage: 0, merge: 0, parts: 0, other: 0, garbage: 0, native: 0, profiler: 0, idle: 0 },
  };
  for (const [i, id] of samples.entries()) all[kinds.get(id)!] += Math.max(0, timeDeltas[i]!);
  const busy = Object.values(all).reduce((sum, time) => sum + time, 0) - all.idle;
  for (const kind of Object.keys(all) as Kind[]) all[kind] *= busy === 0 ? 0 : processorSeconds / busy;
  return { ...all, idle: 0 };

  function kindOf(sample: number): Kind {
    const { functionName } = frames.get(sample)!;
    if (functionName === '(idle)') return 'idle';
    if (functionName === '(garbage collector)') return 'garbage';
    for (let at: number | undefined = sample; at !== undefined; at = parents.get(at)) {
      const { url } = frames.get(at)!;
      const found = SOURCES.find(([, source]) => source.test(url));
      if (found !== undefined) return found[0];
    }
    return 'native';
  }
}
