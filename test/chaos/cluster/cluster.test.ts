/** A short chaos run of a cluster. `npm run test:chaos -- --cluster` is the long one, which meets each fault. */
import { randomUUID } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { HAS_PROC } from '../../fixture/processes.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { makeClusterWorld } from '../world.ts';
import { runClusterChaos } from './run.ts';
import { isClusterPassed, renderClusterSummary } from './summary.ts';

const SECONDS = 14;
const CLIENTS = 2;
/** The starts and the verdict take two minutes of processor time, and more beside other tests. */
const TIMEOUT_MS = 900_000;

describeWithPostgres('a cluster with faults', () => {
  it.skipIf(!HAS_PROC)('keeps what was acknowledged, once, on several hosts', { timeout: TIMEOUT_MS }, async () => {
    const folder = temporaryFolder();
    // Postgres runs as another user, who must be able to enter it
    chmodSync(dirname(folder), 0o755);
    const seed = randomUUID().slice(0, 8);
    const options = { seconds: SECONDS, clients: CLIENTS, seed, folder, note: () => {} };
    const summary = await runClusterChaos(await makeClusterWorld(await tinyWorld(), folder), options).catch(
      (cause: Error) => {
        throw new Error(`seed ${seed}: ${cause.message}`, { cause });
      },
    );
    const told = renderClusterSummary(summary).join('\n');
    // how fast nodes follow a change says nothing on a machine that runs other tests
    expect(isClusterPassed({ ...summary, late: [] }), told).toBe(true);
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
    const { kills, actions, starts, events } = summary;
    expect([sum(kills) > 0, sum(actions) >= CLIENTS, starts > 5, events.deliveries > 0], told).toEqual(
      Array(4).fill(true),
    );
  });
});
