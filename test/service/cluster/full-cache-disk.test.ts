/** The disk of an engine's cache is full: the engine says so and takes no work until there is space. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../fixture/folders.ts';
import { fillDisk, mountDisk, unmountDisk } from '../../fixture/full-disk.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster } from './start-cluster.ts';

const WITHIN = { timeout: 60_000, interval: 50 };
/** Longer than an engine uses a measurement of its disk. */
const MEASURED_MS = 1_000;
/** Longer than an engine takes to claim work. */
const LONG_ENOUGH_MS = 3_000;
/** The whole disk is smaller than what is kept free by default. */
const LIMITS = { minimumSeeds: 5, diskReserveBytes: 4_000_000 };

describeWithPostgres('an engine whose disk is full', () => {
  const cache = temporaryFolder();
  const isMounted = mountDisk(cache, '64m');
  if (!isMounted)
    it.runIf(process.env['CI'])('SKIPPED outside of CI: needs Linux and the right to mount a tmpfs', () => {
      expect(isMounted).toBe(true);
    });
  it.runIf(isMounted)('takes no work, says why, and goes on when there is space', async () => {
    onTestFinished(() => unmountDisk(cache));
    const world = await tinyWorld();
    const cluster = await openCluster();
    onTestFinished(() => cluster.close());
    const node = await cluster.startNode({ model: world.model, population: world.population });
    const engine = await cluster.startEngine({ cache, limits: LIMITS });
    expect(engine.obstacle()).toBe(null);

    const filler = join(cache, 'filler');
    fillDisk(filler);
    await vi.waitFor(() => expect(engine.obstacle()).toMatch(/ has 0 bytes left, less than the reserve/), WITHIN);
    await sleep(MEASURED_MS);
    const response = await fetch(`${node.url}/v1/campaigns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'waits', audience: { size: 20 }, ...world.campaigns[0]! }),
    });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    const campaign = async () => await (await fetch(`${node.url}/v1/campaigns/${id}`)).json();
    await sleep(LONG_ENOUGH_MS);
    expect(await campaign()).toMatchObject({ state: 'queued', reason: null });

    rmSync(filler, { recursive: true });
    await vi.waitFor(async () => expect(await campaign()).toMatchObject({ state: 'ready' }), WITHIN);
    await vi.waitFor(() => expect(engine.obstacle()).toBe(null), WITHIN);
  });
});
