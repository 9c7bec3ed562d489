/** Nodes whose database refuses all connections for a while: look-ups from memory, then nothing, then all again. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../../src/http/serve.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const WITHIN = { timeout: 60_000, interval: 50 };
const KEY = 'an-admin-key-for-tests';
/** How long look-ups are answered; the default is a minute. */
const MOST_MS = 20_000;

let cluster: TestCluster;
let nodes: readonly RunningServer[];
let id: string;
let reader: string;

async function call(node: RunningServer, method: string, path: string, body?: object, key = KEY) {
  const response = await fetch(`${node.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  const json = /^[{[]/.test(text) ? (JSON.parse(text) as any) : null;
  return { status: response.status, stale: response.headers.get('x-stale-seconds'), text, json };
}

async function asServer(sql: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.store.replace(/[^/]*$/, 'postgres') });
  await client.connect();
  try {
    await client.query(sql, values);
  } finally {
    await client.end();
  }
}
const database = () => new URL(cluster.store).pathname.slice(1);
async function lose(): Promise<void> {
  await asServer(`ALTER DATABASE ${database()} WITH ALLOW_CONNECTIONS false`);
  await asServer('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database()]);
}
const restore = () => asServer(`ALTER DATABASE ${database()} WITH ALLOW_CONNECTIONS true`);

const paths = () => [`/v1/campaigns/${id}/audience?limit=5`, `/v1/campaigns/${id}/audience/members/nobody`];
const lookUps = (node: RunningServer) => Promise.all(paths().map((path) => call(node, 'GET', path, undefined, reader)));

describeWithPostgres('an outage of the database', () => {
  beforeAll(async () => {
    const world = await tinyWorld();
    cluster = await openCluster();
    const limits = { minimumSeeds: 5, maximumOutageMs: MOST_MS };
    const first = await cluster.startNode({ model: world.model, population: world.population, apiKey: KEY, limits });
    nodes = [first, await cluster.startNode({ apiKey: KEY, limits })];
    await cluster.startEngine();
    const { seeds, features } = world.campaigns[0]!;
    const made = await call(first, 'POST', '/v1/campaigns', { name: 'a', features, seeds, audience: { size: 20 } });
    id = made.json.id;
    reader = (await call(first, 'POST', '/v1/keys', { name: 'reader', scope: 'read' })).json.key;
    await vi.waitFor(async () => {
      for (const node of nodes) for (const { status } of await lookUps(node)) expect([200, 404]).toContain(status);
    }, WITHIN);
  });
  afterAll(async () => {
    if (cluster) await restore();
    await cluster?.close();
  });

  it('leaves look-ups, ends them after the limit, and is over by itself', async () => {
    const before = await lookUps(nodes[1]!);
    expect(before.map(({ status, stale }) => [status, stale])).toEqual([
      [200, null],
      [404, null],
    ]);
    await lose();
    await vi.waitFor(async () => {
      for (const node of nodes) expect((await lookUps(node))[0]!.stale).not.toBe(null);
    }, WITHIN);
    for (const node of nodes) {
      const found = await lookUps(node);
      expect(found.map(({ status }) => status)).toEqual([200, 404]);
      expect(found[0]!.text).toBe(before[0]!.text);
      expect(await call(node, 'PATCH', `/v1/campaigns/${id}`, { name: 'b' })).toMatchObject({
        ...{ status: 503, json: { code: 'unavailable' } },
      });
      expect((await call(node, 'GET', '/readyz')).json.status).toBe('degraded');
      const metrics = await call(node, 'GET', '/metrics');
      expect(metrics.text).toMatch(/^metaheac_cluster_outage_seconds (?!0$)[\d.]+$/m);
      // the database does not tell how many expansions wait
      expect(metrics.text).not.toMatch(/^metaheac_queue_depth \d/m);
    }
    await vi.waitFor(async () => {
      for (const node of nodes) expect((await lookUps(node)).map(({ status }) => status)).toEqual([503, 503]);
      for (const node of nodes) expect((await call(node, 'GET', '/readyz')).status).toBe(503);
    }, WITHIN);
    await restore();
    await vi.waitFor(async () => {
      for (const node of nodes) {
        expect((await lookUps(node)).map(({ status, stale }) => [status, stale])).toEqual([
          [200, null],
          [404, null],
        ]);
        expect((await call(node, 'PATCH', `/v1/campaigns/${id}`, { name: 'b' })).status).toBe(200);
      }
    }, WITHIN);
    expect((await call(nodes[0]!, 'GET', `/v1/campaigns/${id}`)).json.name).toBe('b');
  });

  it('lets an engine that starts meanwhile wait for its end', { timeout: 120_000 }, async () => {
    await lose();
    const warn = vi.fn();
    const logger = Object.assign(createLogger('silent', 'test'), { warn });
    const starting = cluster.startEngine({ logger });
    await vi.waitFor(
      () => expect(warn).toHaveBeenCalledWith(expect.anything(), 'the start waits for the database'),
      WITHIN,
    );
    await restore();
    expect((await starting).engine().ready).toBe(true);
  });
});
