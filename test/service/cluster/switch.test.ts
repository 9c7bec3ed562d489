/** A switch of the model at one node of a cluster: checked there, and served by all; and estimates of nodes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../../src/http/serve.ts';
import { publishModelFolder } from '../../../src/model/published.ts';
import { FolderBlobFiles } from '../../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { writeVariant } from '../../fixture/model-variants.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const world = await tinyWorld();
const WITHIN = { timeout: 120_000, interval: 100 };

let cluster: TestCluster;
let nodes: readonly RunningServer[];
let second: string;

async function call(node: RunningServer, method: string, path: string, body?: object) {
  const response = await fetch(`${node.url}${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  return { status: response.status, json: text === '' ? null : (JSON.parse(text) as any) };
}
const servedBy = (node: RunningServer) => call(node, 'GET', '/v1/models/current').then(({ json }) => json.version);
const untilAllServe = (version: string) =>
  vi.waitFor(async () => {
    expect(await Promise.all(nodes.map(servedBy))).toEqual([version, version]);
  }, WITHIN);

describeWithPostgres('a switch of the model', () => {
  beforeAll(async () => {
    cluster = await openCluster();
    const first = await cluster.startNode({ model: world.model, population: world.population, hasEngine: true });
    nodes = [first, await cluster.startNode({ limits: { minimumSeeds: 5, estimateTimeMs: 60_000 } })];
    await first.engineReady;
    const variant = join(temporaryFolder(), 'second');
    second = writeVariant(world.model, variant, () => ({ name: 'second' }));
    await publishModelFolder(new FolderBlobFiles(join(fileURLToPath(cluster.blobs), 'shared')), variant);
  });
  afterAll(() => cluster?.close());

  it('reaches every node, is kept for nodes that start later, and can be rolled back', async () => {
    const [one, other] = nodes as [RunningServer, RunningServer];
    const first = await servedBy(one);
    const unknown = await call(one, 'POST', '/v1/models/000000000000/activate');
    expect([unknown.status, unknown.json.code]).toEqual([404, 'model_not_found']);
    expect((await call(one, 'POST', `/v1/models/${second}/activate`)).status).toBe(202);
    await untilAllServe(second);
    const later = await cluster.startNode();
    expect(await servedBy(later)).toBe(second);
    // a node without an engine can go back, because the former model was checked before
    const back = await call(other, 'POST', `/v1/models/${second}/rollback`);
    expect([back.status, back.json.version]).toEqual([202, first]);
    await untilAllServe(first);
    await vi.waitFor(async () => expect(await servedBy(later)).toBe(first), WITHIN);
  });

  it('is checked by a node that expands nothing, and every node lists what is published', async () => {
    const [, other] = nodes as [RunningServer, RunningServer];
    const variant = join(temporaryFolder(), 'third');
    const third = writeVariant(world.model, variant, () => ({ name: 'third' }));
    const files = new FolderBlobFiles(join(fileURLToPath(cluster.blobs), 'shared'));
    await publishModelFolder(files, variant);
    const lists = await Promise.all(nodes.map((node) => call(node, 'GET', '/v1/models')));
    expect(lists[0]!.json.items[1]).toMatchObject({ version: third, served: false, check: null });
    expect(lists.map(({ json }) => json.items.length)).toEqual([3, 3]);
    for (const node of nodes)
      expect((await call(node, 'GET', `/v1/models/${third}`)).json).toEqual(lists[0]!.json.items[1]);
    expect((await call(other, 'POST', `/v1/models/${third}/activate`)).status).toBe(202);
    await untilAllServe(third);
    expect((await call(other, 'GET', `/v1/models/${third}`)).json.check).toMatchObject({
      state: 'served',
      reason: null,
    });
    // the engine of that node has claimed nothing
    expect((await call(other, 'GET', '/readyz')).json.parts[0]).toMatchObject({ name: 'engine', ready: true });
  });

  it('leaves estimates to the node that is asked, even if it expands nothing', async () => {
    const [{ seeds, features }] = world.campaigns as [(typeof world.campaigns)[number]];
    await vi.waitFor(async () => {
      const { json } = await call(nodes[1]!, 'POST', '/v1/estimates', { seeds, features });
      expect(json.expected).not.toBeNull();
    }, WITHIN);
  });
});
