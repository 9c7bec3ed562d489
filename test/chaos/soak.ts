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
import { makeSmallWorld } from '../fixture/make-tiny-world.ts';
import { Client, newShared } from './client.ts';
import { growthOf, renderSoak, type Sample, type SoakReport } from './growth.ts';
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

const minutes = positiveInteger(values.minutes);
const report = await soak(60 * minutes, positiveInteger(values.clients), values.seed ?? randomUUID().slice(0, 8));
for (const line of renderSoak(report)) process.stdout.write(`${line}\n`);
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(report.faults.length > 0 ? 1 : 0);

async function soak(seconds: number, clientCount: number, seed: string): Promise<SoakReport> {
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
  const start = performance.now();
  const isOver = () => performance.now() - start > 1000 * seconds || errors.length > 0;
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
      const { bytes, handles } = program.held();
      const files = readdirSync(dataDir, { recursive: true }).length;
      samples.push({ seconds: (performance.now() - start) / 1000, bytes, handles, files });
      await sleep((1000 * seconds) / SAMPLES);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: clientCount }, (_, i) => act(`s${i}`))]);
  const { starts } = program;
  await program.leave(true);
  if (starts > 1) errors.push(`the service was started ${starts} times`);
  return growthOf(samples, { seed, requests: shared.counts.acknowledged, errors });
}
