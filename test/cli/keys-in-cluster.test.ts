/** `metaheac keys` and `metaheac audit` on the store of a cluster, while a node serves. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../src/http/serve.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { describeWithPostgres } from '../fixture/postgres.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from '../service/cluster/start-cluster.ts';
import { metaheac, metaheacWith } from './in-process.ts';

let cluster: TestCluster;
let node: RunningServer;
beforeAll(async () => {
  const { model, population } = await tinyWorld();
  cluster = await openCluster();
  node = await cluster.startNode({ model, population, apiKey: 'an-admin-key-for-tests' });
});
afterAll(() => cluster?.close());

const statusWith = async (key: string) =>
  (await fetch(`${node.url}/v1/campaigns`, { headers: { authorization: `Bearer ${key}` } })).status;

describeWithPostgres('keys of a cluster', () => {
  it('are made, listed and revoked by commands, which nodes and the audit log know at once', async () => {
    const env = {
      METAHEAC_STORE: cluster.store,
      METAHEAC_BLOBS: cluster.blobs,
      METAHEAC_CACHE: temporaryFolder(),
    };
    const made = await metaheacWith(env, 'keys', 'create', '--name', 'ads');
    expect([made.status, made.stdout]).toEqual([0, expect.stringMatching(/^mh_[\w-]+\n$/)]);
    const key = made.stdout.trim();
    const within = { timeout: 1_000, interval: 20 };
    await vi.waitFor(async () => expect(await statusWith(key)).toBe(200), within);
    const listed = await metaheacWith(env, 'keys', 'list', '--json');
    const [{ id, name }] = (JSON.parse(listed.stdout) as { keys: [{ id: string; name: string }] }).keys;
    expect(name).toBe('ads');
    // the flags, without a variable; a URL with a password may only be in a file
    const storeFile = join(temporaryFolder(), 'store');
    writeFileSync(storeFile, cluster.store);
    const flags = ['--store-file', storeFile, '--blobs', cluster.blobs, '--cache', temporaryFolder()];
    expect(await metaheac('keys', 'revoke', ...flags, id)).toMatchObject({ status: 0, stdout: `revoked ${id}\n` });
    await vi.waitFor(async () => expect(await statusWith(key)).toBe(401), within);
    const { stdout } = await metaheac('audit', ...flags);
    const entries = jsonLines(stdout);
    expect(entries).toMatchObject([
      { actor: 'local', action: 'createKey', resource_id: id },
      { actor: 'local', action: 'revokeKey', resource_id: id },
    ]);
  });

  it('need the object storage too, and no data folder beside it', async () => {
    const without = await metaheacWith({ METAHEAC_STORE: cluster.store }, 'keys', 'list');
    expect([without.status, without.stderr]).toEqual([2, expect.stringContaining('--blobs s3://bucket/prefix')]);
  });
});
