/** A leader that cannot fetch what the cluster serves: the refresh policies wait for it. */
import { appendFileSync, cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../../src/http/serve.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { importPopulation } from '../../../src/population/import.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { publishPopulation } from '../../../src/population/share.ts';
import { makeCurrent } from '../../../src/population/update.ts';
import { openBlobFiles } from '../../../src/storage/open-store.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { BusyGate } from '../../fixture/network/busy-gate.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const WITHIN = { timeout: 90_000, interval: 100 };
/** The leader looks at refresh policies every 5 s. */
const ONE_LOOK_MS = 6_000;

let cluster: TestCluster;
let s3: TestS3;
let gate: BusyGate;
let leader: RunningServer;
let other: RunningServer;
let versions: readonly [string, string];

async function call(node: RunningServer, method: string, path: string, body?: object) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(`${node.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  return { status: response.status, text, json: text.startsWith('{') ? (JSON.parse(text) as any) : null };
}

describeWithPostgres('a leader that cannot reach the object storage', () => {
  beforeAll(async () => {
    const world = await tinyWorld();
    s3 = await startOwnS3();
    stubCredentials(s3);
    gate = await BusyGate.start({ host: '127.0.0.1', port: Number(new URL(s3.endpoint).port) });
    cluster = await openCluster();
    const population = join(temporaryFolder(), 'population');
    cpSync(world.population, population, { recursive: true });
    const { version: first, features } = openPopulation(population);
    const source = join(temporaryFolder(), 'source');
    cpSync(world.data, source, { recursive: true });
    const [line] = readFileSync(join(source, 'users.ndjson'), 'utf8').split('\n');
    const newcomer = { ...JSON.parse(line!), user_id: 'newcomer' };
    appendFileSync(join(source, 'users.ndjson'), `${JSON.stringify(newcomer)}\n`);
    const { version: second } = await importPopulation({ source, features, out: population });
    makeCurrent(population, first);
    versions = [first, second];
    const through = (endpoint: string) => `s3://${s3.bucket}/p?endpoint=${endpoint}`;
    leader = await cluster.startNode({
      ...{ blobs: through(`http://127.0.0.1:${gate.port}`), model: world.model, population },
    });
    await vi.waitFor(async () => expect((await call(leader, 'GET', '/metrics')).text).toMatch(/_leader 1$/m), WITHIN);
    const blobs = through(s3.endpoint);
    await publishPopulation(population, await openBlobFiles(blobs, systemClock), second, { now: systemClock.now });
    other = await cluster.startNode({ blobs });
    await cluster.startEngine({ blobs });
  });
  afterAll(async () => {
    gate.isBusy = false;
    await cluster?.close();
    await gate?.close();
    await s3?.close();
    vi.unstubAllEnvs();
  });

  it('does not expand campaigns again for a population that it does not serve yet, and then once', {
    timeout: 300_000,
  }, async () => {
    const [before, after] = versions;
    const [one, two] = [await create('expanded by a caller'), await create('left to the leader')];
    const created = { cause: 'created', state: 'ready', population_version: before };
    for (const id of [one, two])
      await vi.waitFor(async () => expect(await expansionsOf(id)).toEqual([created]), WITHIN);
    gate.isBusy = true;
    expect((await call(other, 'POST', `/v1/populations/${after}/activate`)).status).toBe(200);
    // until the engine serves it
    for (let version = before; version !== after; ) {
      await call(other, 'POST', `/v1/campaigns/${one}/expansions`);
      await vi.waitFor(async () => expect((await expansionsOf(one))[0]).toMatchObject({ state: 'ready' }), WITHIN);
      version = (await expansionsOf(one))[0]!['population_version']!;
    }
    const expanded = await expansionsOf(one);
    await sleep(ONE_LOOK_MS);
    expect((await call(leader, 'GET', '/v1/populations/current')).json.version).toBe(before);
    expect(await expansionsOf(one)).toEqual(expanded);
    gate.isBusy = false;
    const refreshed = { cause: 'population', state: 'ready', population_version: after };
    await vi.waitFor(async () => expect(await expansionsOf(two)).toEqual([refreshed, created]), WITHIN);
    await sleep(ONE_LOOK_MS);
    expect([await expansionsOf(one), await expansionsOf(two)]).toEqual([expanded, [refreshed, created]]);
  });
});

async function create(name: string): Promise<string> {
  const { features, seeds } = (await tinyWorld()).campaigns[0]!;
  const body = { name, features, seeds, audience: { size: 10 }, refresh: { on_new_population: true } };
  return (await call(other, 'POST', '/v1/campaigns', body)).json.id;
}

/** Newest first. */
async function expansionsOf(id: string): Promise<Record<string, string>[]> {
  const { items } = (await call(other, 'GET', `/v1/campaigns/${id}/expansions`)).json;
  return items.map(({ cause, state, population_version }: Record<string, string>) => ({
    ...{ cause, state, population_version },
  }));
}
