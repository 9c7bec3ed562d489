/**
 * `npm run test:soak [-- --minutes N --clients N --seed TEXT --json]`: a steady mix of requests, without faults. Exit
 * code 1 if memory, handles or files grow.
 */
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../../src/cli/options.ts';
import { createRng } from '../../src/lib/rng.ts';
import { median } from '../bench/report.ts';
import { makeSmallWorld } from '../fixture/make-tiny-world.ts';
import { Client, newShared } from './client.ts';
import { serveAlone } from './member.ts';
import { makeChaosWorld } from './world.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    clients: { type: 'string', default: '4' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** What the service holds: resident memory and handles of all its processes, and files of the data folder. */
type Series = 'bytes' | 'handles' | 'files';
type Sample = Readonly<Record<Series, number>>;

interface Growth {
  /** The medians of the first and second half of the samples that count. */
  readonly before: number;
  readonly after: number;
  readonly most: number;
}

/** What is loaded and filled at the start is not growth: this share of the samples does not count. */
const WARM_UP = 1 / 3;
/** How much the second half may exceed the first: a share of it, and noise in any case. */
const BOUNDS: Readonly<Record<Series, { readonly share: number; readonly noise: number }>> = {
  bytes: { share: 0.1, noise: 16 * 2 ** 20 },
  handles: { share: 0.1, noise: 8 },
  files: { share: 0.25, noise: 40 },
};
/** For one client, between two actions. */
const PAUSE_MS = 250;
const SAMPLES = 240;
const SETTINGS = {
  // campaigns come and go with all their versions, so that only the clients' campaigns remain
  METAHEAC_RETAINED_VERSIONS: '1000',
  // few enough to be open soon; with the default of 1,024, those of deleted campaigns come and go every ten minutes
  METAHEAC_OPEN_RANKINGS: '32',
};

const folder = mkdtempSync(join(tmpdir(), 'metaheac-soak-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const seconds = 60 * positiveInteger(values.minutes);
const seed = values.seed ?? randomUUID().slice(0, 8);
const { samples, requests, errors } = await soak(positiveInteger(values.clients));
const growth = Object.keys(BOUNDS).map((series) => [series, growthOf(series as Series)] as const);
for (const [series, { after, most }] of growth)
  if (after > most) errors.push(`${series} grew to ${after}, more than ${Math.round(most)}`);
process.stdout.write(`${seconds} s, seed ${seed}, ${requests} requests\n`);
for (const [series, { before, after, most }] of growth)
  process.stdout.write(
    `${series}: ${shown(series, before)}, then ${shown(series, after)}; bound ${shown(series, most)}\n`,
  );
for (const error of errors) process.stdout.write(`error: ${error}\n`);
process.stdout.write(errors.length > 0 ? 'FAILED\n' : 'passed\n');
if (values.json)
  process.stdout.write(`${JSON.stringify({ seed, seconds, requests, growth: Object.fromEntries(growth), errors })}\n`);
process.exit(errors.length > 0 ? 1 : 0);

function shown(series: string, value: number): string {
  return series === 'bytes' ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(Math.round(value));
}

function growthOf(series: Series): Growth {
  const counted = samples.slice(Math.floor(WARM_UP * samples.length)).map((sample) => sample[series]);
  const middle = counted.length >> 1;
  const [before, after] = [median(counted.slice(0, middle)), median(counted.slice(middle))];
  const { share, noise } = BOUNDS[series];
  return { before, after, most: before * (1 + share) + noise };
}

async function soak(clientCount: number) {
  const tiny = join(folder, 'tiny');
  mkdirSync(tiny);
  const world = await makeChaosWorld(await makeSmallWorld(tiny), folder);
  const [dataDir, population] = [join(folder, 'data'), join(folder, 'population')];
  cpSync(world.pristine, population, { recursive: true });
  mkdirSync(dataDir);
  const model = world.models[0].folder;
  const program = await serveAlone({ dataDir, model, population, threads: 1 }, { env: SETTINGS });
  process.stderr.write(`a soak of ${seconds} s, seed ${seed}\n`);
  const shared = newShared(program, world);
  const rng = createRng(seed);
  const samples: Sample[] = [];
  const errors: string[] = [];
  const end = performance.now() + 1000 * seconds;
  const isOver = () => performance.now() > end || errors.length > 0;
  const act = async (name: string) => {
    const client = new Client(name, shared, rng.fork(name));
    while (!isOver()) {
      await client.step().catch((error: Error) => errors.push(error.message));
      // not compared here
      shared.sightings.length = 0;
      await sleep(PAUSE_MS);
    }
  };
  const watch = async () => {
    while (!isOver()) {
      samples.push({ ...program.held(), files: readdirSync(dataDir, { recursive: true }).length });
      await sleep((1000 * seconds) / SAMPLES);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: clientCount }, (_, i) => act(`s${i}`))]);
  const { starts } = program;
  await program.leave(true);
  if (starts > 1) errors.push(`the service was started ${starts} times`);
  return { samples, requests: shared.counts.acknowledged, errors };
}
