/** A switch of the model at one node of a cluster: checked there by its engine, and served by all. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../../src/http/serve.ts';
import { publishModelFolder } from '../../../src/model/share.ts';
import { FolderBlobFiles } from '../../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { writeVariant } from '../../fixture/model-variants.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const WITHIN = { timeout: 120_000, interval: 100 };

let cluster: TestCluster;
let nodes: readonly RunningServer[];
let second: string;

async function call(node: RunningServer, method: string, path: string) {
  const response = await fetch(`${node.url}${path}`, { method });
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
    const world = await tinyWorld();
    cluster = await openCluster();
    const first = await cluster.startNode({ model: world.model, population: world.population, hasEngine: true });
    nodes = [first, await cluster.startNode()];
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
});
