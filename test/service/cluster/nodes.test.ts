/** Two nodes and an engine on one database: what one node does, the other shows, and what both do is done once. */
import { globSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { verifyCommand } from '../../../src/cli/commands/upkeep/verify.ts';
import type { RunningServer } from '../../../src/http/serve.ts';
import type { Output } from '../../../src/lib/output.ts';
import { metaheacWith } from '../../cli/in-process.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { itUsual } from '../../fixture/size.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openReceiver } from '../../http/webhooks/receiver.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const WITHIN = { timeout: 60_000, interval: 50 };

let cluster: TestCluster;
let nodes: readonly RunningServer[];
let seeds: readonly string[];
let features: object;

const KEY = 'an-admin-key-for-tests';
const ADMIN = { authorization: `Bearer ${KEY}` };

async function call(node: RunningServer, method: string, path: string, body?: object, headers: object = {}) {
  const response = await fetch(`${node.url}${path}`, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...ADMIN, ...headers } as Record<string, string>,
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  const json = /^[{[]/.test(text) ? (JSON.parse(text) as any) : null;
  return { status: response.status, headers: response.headers, text, json };
}
const campaign = (name: string) => ({ name, features, seeds, audience: { size: 20 } });
const create = async (node: RunningServer, name: string): Promise<string> => {
  const { status, json, text } = await call(node, 'POST', '/v1/campaigns', campaign(name));
  expect([status, text]).toEqual([202, text]);
  return json.id;
};
const untilReady = (node: RunningServer, id: string) =>
  vi.waitFor(async () => {
    const { json } = await call(node, 'GET', `/v1/campaigns/${id}`);
    expect(json).toMatchObject({ state: 'ready', audience_version: expect.any(Number) });
    return json;
  }, WITHIN);

describeWithPostgres('two nodes and an engine', () => {
  beforeAll(async () => {
    const world = await tinyWorld();
    [{ seeds, features }] = [world.campaigns[0]!];
    cluster = await openCluster();
    const first = await cluster.startNode({ model: world.model, population: world.population, apiKey: KEY });
    // the second node has only what the first has published
    nodes = [first, await cluster.startNode({ apiKey: KEY })];
    await cluster.startEngine();
  });
  afterAll(() => cluster?.close());

  itUsual('expand a campaign once, and show the same audience on every node', async () => {
    const [one, other] = nodes as [RunningServer, RunningServer];
    const id = await create(one, 'first');
    await untilReady(other, id);
    const path = `/v1/campaigns/${id}/audience?limit=20`;
    const pages = await Promise.all(nodes.map((node) => call(node, 'GET', path)));
    expect(pages[0]!.json.items).toHaveLength(20);
    expect(pages[1]!.text).toBe(pages[0]!.text);
    const user = encodeURIComponent(pages[0]!.json.items[3].user_id);
    for (const node of nodes)
      expect((await call(node, 'GET', `/v1/campaigns/${id}/audience/members/${user}`)).json).toMatchObject({
        ...{ member: true, rank: 4 },
      });
    const valuesOf = async (node: RunningServer) =>
      Object.fromEntries((await call(node, 'GET', '/metrics')).text.split('\n').map((line) => line.split(/ (?=\S+$)/)));
    await vi.waitFor(async () => {
      const all = await Promise.all(nodes.map(valuesOf));
      // one of the nodes leads
      expect(all.map((values) => values['metaheac_cluster_leader']).toSorted()).toEqual(['0', '1']);
      for (const values of all)
        expect(values).toMatchObject({
          metaheac_cluster_outage_seconds: '0',
          'metaheac_cluster_members{kind="node",ready="true"}': '2',
          'metaheac_cluster_members{kind="engine",ready="true"}': '1',
          'metaheac_ranges{state="waiting"}': '0',
          metaheac_ranges_doubled: '0',
          metaheac_kept_versions_total: '0',
          metaheac_mirror_fetched_files_total: expect.stringMatching(/^[1-9]/),
        });
    }, WITHIN);
    await vi.waitFor(async () => {
      const { json } = await call(other, 'GET', '/readyz');
      const { detail } = json.parts.find(({ name }: { name: string }) => name === 'engine');
      expect(detail).toBe('1 of 1 engines of the cluster are ready');
    }, WITHIN);
  });

  itUsual('make one campaign of requests with the same key, whichever node they reach', async () => {
    const requests = Array.from({ length: 8 }, (_, i) =>
      call(nodes[i % 2]!, 'POST', '/v1/campaigns', campaign('once'), { 'idempotency-key': 'the-same-key' }),
    );
    const answers = await Promise.all(requests);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    const { json } = await call(nodes[1]!, 'GET', '/v1/campaigns?search=once');
    expect(json.items).toHaveLength(1);
  });

  itUsual('list every change of an active version to a reader of either node, in order and once', async () => {
    const id = await create(nodes[0]!, 'changing');
    await untilReady(nodes[1]!, id);
    let cursor = (await call(nodes[1]!, 'GET', '/v1/changes?limit=1000')).json.next_cursor;
    const sizes = Array.from({ length: 12 }, (_, i) => 5 + i);
    let isDone = false;
    const changing = (async () => {
      for (let i = 0; i < sizes.length; i += 4)
        await Promise.all(
          sizes
            .slice(i, i + 4)
            .map((size, j) => call(nodes[j % 2]!, 'PATCH', `/v1/campaigns/${id}`, { audience: { size } })),
        );
      isDone = true;
    })();
    const seen: number[] = [];
    for (let last = false; ; ) {
      const { json } = await call(nodes[seen.length % 2]!, 'GET', `/v1/changes?since=${cursor}&limit=3`);
      const ofCampaign = json.items.filter((item: { campaign_id: string }) => item.campaign_id === id);
      seen.push(...ofCampaign.map(({ version }: { version: number }) => version));
      cursor = json.next_cursor;
      if (last && json.items.length === 0) break;
      last = isDone;
    }
    await changing;
    const { json } = await call(nodes[0]!, 'GET', `/v1/campaigns/${id}/audiences?limit=100`);
    const versions = json.items.map(({ version }: { version: number }) => version).reverse();
    expect(seen).toEqual(versions.slice(1));
  });

  itUsual('send each event of a webhook once', async () => {
    const receiver = await openReceiver();
    try {
      const { json } = await call(nodes[1]!, 'POST', '/v1/webhooks', { url: receiver.url, events: ['campaign.ready'] });
      const ids = await Promise.all(['a', 'b'].map((name, i) => create(nodes[i % 2]!, name)));
      for (const id of ids) await untilReady(nodes[0]!, id);
      await vi.waitFor(async () => {
        const { json: page } = await call(nodes[0]!, 'GET', `/v1/webhooks/${json.id}/deliveries`);
        expect(page.items.map(({ state }: { state: string }) => state)).toEqual(Array(2).fill('delivered'));
      }, WITHIN);
      expect(receiver.received).toHaveLength(2);
      await call(nodes[0]!, 'DELETE', `/v1/webhooks/${json.id}`);
    } finally {
      await receiver.close();
    }
  });

  itUsual('have files that verify reads and finds damage in', async () => {
    const verify = async () => {
      const lines: string[] = [];
      const output = { result: (line: string) => lines.push(line), note: () => {}, progress: () => {} };
      await verifyCommand(
        { store: cluster.store, blobs: cluster.blobs, cache: temporaryFolder() },
        { json: true },
        output as unknown as Output,
      );
      return JSON.parse(lines[0]!);
    };
    const exitCode = process.exitCode;
    try {
      const whole = await verify();
      expect(whole).toMatchObject({ whole: true, faults: [] });
      expect(whole.rankings).toBeGreaterThan(3);
      const rankings = join(fileURLToPath(cluster.blobs), 'audiences');
      const scores = globSync('**/scores.f32', { cwd: rankings })[0]!;
      truncateSync(join(rankings, scores), 8);
      const damaged = await verify();
      expect([damaged.whole, damaged.faults.length]).toEqual([false, 1]);
      expect(whole).toMatchObject({ models: 1, populations: 1 });
    } finally {
      process.exitCode = exitCode;
    }
  });

  itUsual('show an erased user on no node a second after the erasure', async () => {
    const id = await create(nodes[0]!, 'erasing');
    await untilReady(nodes[1]!, id);
    const path = `/v1/campaigns/${id}/audience?limit=20`;
    const userId = (await call(nodes[1]!, 'GET', path)).json.items[2].user_id as string;
    expect((await call(nodes[0]!, 'DELETE', `/v1/users/${encodeURIComponent(userId)}`)).status).toBe(204);
    await vi.waitFor(
      async () => {
        for (const node of nodes) {
          const { json } = await call(node, 'GET', path);
          expect(json.items.map((item: { user_id: string }) => item.user_id)).not.toContain(userId);
          const found = await call(node, 'GET', `/v1/campaigns/${id}/audience/members/${encodeURIComponent(userId)}`);
          expect(found.status).toBe(404);
        }
      },
      { timeout: 1_000, interval: 20 },
    );
  });

  itUsual('erase the users of a command everywhere, also from seeds', async () => {
    const campaignId = await create(nodes[0]!, 'erased by a command');
    await untilReady(nodes[1]!, campaignId);
    const ids = join(temporaryFolder(), 'ids.txt');
    const userId = seeds[0]!;
    writeFileSync(ids, `${userId}\n`);
    const env = { METAHEAC_STORE: cluster.store, METAHEAC_BLOBS: cluster.blobs };
    const result = await metaheacWith(env, 'population', 'erase', '--ids', ids);
    expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining('1 users: erased') });
    const left = await call(nodes[1]!, 'GET', `/v1/campaigns/${campaignId}/seeds`);
    expect(left.json.users).toBe(seeds.length - 1);
    await vi.waitFor(async () => {
      for (const node of nodes)
        expect((await call(node, 'GET', `/v1/users/${encodeURIComponent(userId)}/audiences`)).status).toBe(404);
    }, WITHIN);
    const audit = await (await fetch(`${nodes[0]!.url}/v1/audit`, { headers: ADMIN })).text();
    expect(audit).toMatch(/^(?=.*"actor":"local")(?=.*"action":"eraseUser")/m);
    expect((await metaheacWith({}, 'population', 'erase', '--ids', ids)).stderr).toContain('--store');
  });

  itUsual('refuse a key on every node within a second after it was revoked', async () => {
    const other = await call(nodes[1]!, 'POST', '/v1/keys', { name: 'reader', scope: 'read' });
    expect(other.status).toBe(201);
    const reader = { authorization: `Bearer ${other.json.key}` };
    await vi.waitFor(async () => {
      for (const node of nodes) expect((await call(node, 'GET', '/v1/campaigns', undefined, reader)).status).toBe(200);
    }, WITHIN);
    expect((await call(nodes[0]!, 'DELETE', `/v1/keys/${other.json.id}`)).status).toBeLessThan(300);
    await vi.waitFor(
      async () => {
        for (const node of nodes)
          expect((await call(node, 'GET', '/v1/campaigns', undefined, reader)).status).toBe(401);
      },
      { timeout: 1_000, interval: 20 },
    );
  });
});
