/** The cache folder of a running engine is removed: the folder is made again, and the engine goes on. */
import { existsSync, rmSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster } from './start-cluster.ts';

describeWithPostgres('an engine whose cache folder is removed', () => {
  it('expands campaigns with a new one', async () => {
    const world = await tinyWorld();
    const cluster = await openCluster();
    onTestFinished(() => cluster.close());
    const node = await cluster.startNode({ model: world.model, population: world.population });
    const cache = temporaryFolder();
    const engine = await cluster.startEngine({ cache });
    rmSync(cache, { recursive: true });
    await vi.waitFor(() => expect([engine.obstacle(), existsSync(cache)]).toEqual([null, true]), 10_000);
    const response = await fetch(`${node.url}/v1/campaigns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'waits', audience: { size: 20 }, ...world.campaigns[0]! }),
    });
    const { id } = (await response.json()) as { id: string };
    const campaign = async () => await (await fetch(`${node.url}/v1/campaigns/${id}`)).json();
    await vi.waitFor(async () => expect(await campaign()).toMatchObject({ state: 'ready' }), 60_000);
  });
});
