/** A node whose network loses every byte to and from the database: what it cannot answer from memory, it refuses. */
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../../src/http/serve.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { FlakyProxy } from '../../fixture/network/flaky-proxy.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const WITHIN = { timeout: 60_000, interval: 50 };
const KEY = 'an-admin-key-for-tests';
/** A refusal takes milliseconds; the rest is for busy machines. To open a connection is tried for 5 s. */
const AT_ONCE_MS = 2_000;
/** How long a node may take to know of the outage (2.5 s), and then to refuse. */
const KNOWN_MS = 4_500;

let cluster: TestCluster;
let proxy: FlakyProxy;
let node: RunningServer;

async function get(path: string): Promise<{ status: number; ms: number; stale: string | null; code: string | null }> {
  const begin = performance.now();
  const response = await fetch(`${node.url}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
  const text = await response.text();
  const { code = null } = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: string };
  const stale = response.headers.get('x-stale-seconds');
  return { status: response.status, ms: performance.now() - begin, stale, code };
}

const READS = ['/v1/campaigns', '/v1/campaigns?label=a%3Db', '/v1/audit', '/v1/webhooks', '/v1/changes'];

describeWithPostgres('a partition between a node and the database', () => {
  beforeAll(async () => {
    const world = await tinyWorld();
    cluster = await openCluster();
    const store = new URL(cluster.store);
    proxy = await FlakyProxy.start({ host: store.hostname, port: Number(store.port) }, createRng('partition'));
    store.host = `${proxy.host}:${proxy.port}`;
    const { model, population } = world;
    node = await cluster.startNode({ store: store.href, model, population, apiKey: KEY });
  });
  afterAll(async () => {
    proxy?.heal();
    await cluster?.close();
    await proxy?.close();
  });

  it('refuses reads at once while it is known, also those that were waiting, and answers when it ends', async () => {
    for (const path of READS) expect(await get(path)).toMatchObject({ status: 200, stale: null });
    proxy.partition();
    // nobody knows yet, so these are sent to the database
    const waiting = await Promise.all(READS.map(get));
    for (const [i, { status, ms, code }] of waiting.entries())
      expect([READS[i], status, code, ms < KNOWN_MS]).toEqual([READS[i], 503, 'unavailable', true]);
    for (const path of READS) {
      const { status, ms, stale, code } = await get(path);
      expect([path, status, code, ms < AT_ONCE_MS]).toEqual([path, 503, 'unavailable', true]);
      expect(Number(stale)).toBeGreaterThan(0);
    }
    proxy.heal();
    await vi.waitFor(async () => {
      for (const path of READS) expect(await get(path)).toMatchObject({ status: 200, stale: null });
    }, WITHIN);
  });
});
