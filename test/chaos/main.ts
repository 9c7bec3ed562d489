/**
 * `npm run test:chaos [-- --cluster --seconds N --clients N --seed TEXT --json --log FILE]`: exit code 1 if anything
 * was lost.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../../src/cli/options.ts';
import { makeSmallWorld } from '../fixture/make-tiny-world.ts';
import { openClusterTarget } from './cluster/cluster.ts';
import { type ChaosOptions, runChaos } from './run.ts';
import { openServiceTarget } from './service.ts';
import { isPassed, renderSummary } from './summary.ts';
import { makeChaosWorld, makeClusterWorld } from './world.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string' },
    cluster: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    log: { type: 'string' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'metaheac-chaos-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const tiny = join(folder, 'tiny');
mkdirSync(tiny);
const options: ChaosOptions = {
  seconds: positiveInteger(values.seconds),
  clients: positiveInteger(values.clients),
  seed: values.seed ?? randomUUID().slice(0, 8),
  folder,
  note: (line) => process.stderr.write(`${line}\n`),
  keepLog: (log) => void (values.log && writeFileSync(values.log, log)),
};
const small = await makeSmallWorld(tiny);
const summary = values.cluster
  ? await runChaos(openClusterTarget, await makeClusterWorld(small, folder), options)
  : await runChaos(openServiceTarget, await makeChaosWorld(small, folder), options);
for (const line of renderSummary(summary)) process.stdout.write(`${line}\n`);
if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
process.exit(isPassed(summary) ? 0 : 1);
