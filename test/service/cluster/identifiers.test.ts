/** A plain identifier that is sent to a node of a cluster is in no table of Postgres, and in no file. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../../src/http/serve.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const world = await tinyWorld();
const PLAIN = 'secret.person@example.com';
const UID2 = '?identifier=email&rule=uid2';

let cluster: TestCluster;
let node: RunningServer;

async function call(method: string, path: string, body: object) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `${method} ${path}`.replaceAll(' ', '-') };
  const response = await fetch(`${node.url}${path}`, { method, headers, body: JSON.stringify(body) });
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  return { status: response.status, json: (response.status === 204 ? null : await response.json()) as any };
}

/** The tables, and the files of blobs and caches, that have a text. */
async function placesOf(text: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: cluster.store });
  await client.connect();
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query(`SELECT 1 FROM ${name} t WHERE strpos(t::text, $1) > 0 LIMIT 1`, [text]);
    if (rows.length > 0) found.push(name);
  }
  await client.end();
  expect(tables.length).toBeGreaterThan(10);
  const root = dirname(fileURLToPath(cluster.blobs));
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  expect(files.length).toBeGreaterThan(0);
  for (const { parentPath, name } of files)
    if (readFileSync(join(parentPath, name)).includes(text)) found.push(join(parentPath, name));
  return found;
}

describeWithPostgres('a plain identifier', () => {
  beforeAll(async () => {
    cluster = await openCluster();
    node = await cluster.startNode({ model: world.model, population: world.population });
  });
  afterAll(() => cluster?.close());

  it('is in no table and no file, but its hash is', async () => {
    const { features, seeds } = world.campaigns[0]!;
    const { json } = await call('POST', '/v1/campaigns', { name: 'one', features, seeds, audience: { size: 20 } });
    const campaign = `/v1/campaigns/${json.id}`;
    for (const path of ['/v1/suppression', `${campaign}/seeds`, `${campaign}/negatives`])
      for (const user_ids of [['secret.person', PLAIN], [PLAIN]])
        for (const query of [UID2, '']) await call('PUT', `${path}${query}`, { user_ids });
    const events = [{ user_id: PLAIN, event: 'click' }];
    expect((await call('POST', `${campaign}/feedback${UID2}`, { events })).status).toBe(200);
    const conversions = [{ user_id: PLAIN, time: '2026-01-02T03:04:05Z' }];
    expect((await call('POST', `${campaign}/conversions${UID2}`, { conversions })).status).toBe(200);
    expect((await call('POST', `/v1/users/erase${UID2}`, { user_id: 'other.secret.person@example.com' })).status).toBe(
      204,
    );
    expect(await placesOf('secret.person')).toEqual([]);
    expect((await placesOf('email:uid2:')).length).toBeGreaterThan(1);
  });
});
