/**
 * Valid and broken requests to every operation of the OpenAPI document: no response is 5xx except a documented 503,
 * every response matches the document (the fixture checks each), and the store is intact afterwards. A documented route
 * is covered automatically.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { CutRequest } from '../../src/domain/cuts.ts';
import { connect } from '../../src/storage/sqlite/database/driver.ts';
import { type JsonSchema, openContract } from '../fixture/api-document.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { itUsual, size } from '../fixture/size.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, SEEDS, USER_IDS } from './fixture.ts';
import { type FuzzRequest, placeOf, requestsOf, type Target } from './fuzz/requests.ts';
import { type Pool, Values } from './fuzz/values.ts';

const REQUESTS = size(1_000, 3_000);
/** To use another seed: `FUZZ_SEED=7 npx vitest run test/http/fuzz.test.ts`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125);
/** After this many requests campaigns are finished, so that there are audiences. */
const REFILL_EVERY = 15;
const READY_CAMPAIGNS = 2;

/** Share of the operations that may refuse all of their requests. */
const MAXIMUM_NEVER_ACCEPTED = size(0.3, 0.05); // with few requests, some operations get no valid one by chance

const contract = await openContract();
const targets: readonly Target[] = contract.operations;

/** The key that may create keys; without it no key is required. */
const KEY = 'the-key-of-all-requests';

/** A cut of a campaign. */
const CUT: CutRequest = { name: 'second', unit: 'size', from: 10, to: 20 };

/** Sent with requests that have no key of their own. */
function withKey(app: Fixture['app']): void {
  const inject = app.inject.bind(app) as (request: InjectOptions) => ReturnType<Fixture['app']['inject']>;
  const injectWithKey = (request: InjectOptions) =>
    inject({ ...request, headers: { authorization: `Bearer ${KEY}`, ...request.headers } });
  app.inject = injectWithKey as unknown as typeof app.inject;
}

let ids: readonly string[] = [];
let expansionIds: readonly string[] = [];
let deliveryIds: readonly string[] = [];
let webhookIds: readonly string[] = [];
let destinationIds: readonly string[] = [];
let keyIds: readonly string[] = [];
const population = await importUsers();
const server = await openFixture(
  population,
  {
    ...{ apiKey: KEY, overloadLagMs: 1_000_000_000, overloadLookupLagMs: 1_000_000_000 },
    deletion: { domain: 'audiences.example', issuers: [] },
  },
  { destinationsRoot: temporaryFolder() },
);
withKey(server.app);
server.answers.models = {
  manifest: async () => MANIFEST,
  onnx: async () => new Uint8Array(3_000),
};
await refill();

const MANIFEST = {
  contract_version: 1,
  campaign_id: 'c',
  audience_version: 1,
  model_version: 'model-1',
  population_version: 'p',
  campaign_features: {},
  campaign_inputs: {},
  left_out: null,
  general_model: {},
};

/** Real values by name, or by the place in a path: `campaigns.id`. */
const pool: Pool = (place) => {
  const name = place.split('.').at(-1)!;
  if (place === 'webhooks.id') return webhookIds;
  if (place === 'destinations.id') return destinationIds;
  if (name === 'path') return ['exports'];
  if (name === 'cut' || name === 'other_cut') return [CUT.name];
  if (place === 'keys.id') return keyIds;
  if (place === 'populations.version' || name === 'since') return [server.population.version];
  if (name === 'id' || name === 'other_id') return ids;
  if (name === 'expansion_id') return expansionIds;
  if (name === 'delivery_id') return deliveryIds;
  if (name === 'seeds') return SEEDS;
  if (name === 'identifier') return ['email'];
  if (name === 'rule') return ['uid2'];
  if (place === 'category') return ['housing'];
  if (place === 'four_fifths') return ['city'];
  if (place === 'features.key') return ['category'];
  if (place === 'filters.key') return ['city'];
  if (place === 'filters.value') return ['c1'];
  if (name === 'user_id' || name === 'user_ids') return USER_IDS.slice(0, 40);
  if (['version', 'other_version', 'from', 'to'].includes(name)) return ['1', '2'];
  if (name === 'hashed') return ['true'];
  if (name === 'url') return ['https://hooks.example.com/metaheac'];
  if (name === 'name') return ['category', 'genres', 'city'];
  return [];
};

describe('every operation', () => {
  it('responds to any request as documented, and keeps the store intact', {
    timeout: size(120_000, 300_000),
  }, async () => {
    const runs = Math.ceil(REQUESTS / targets.length);
    const counts = new Map<string, number>();
    const accepted = new Set<string>();
    let sent = 0;
    const start = performance.now();
    for (const target of targets) {
      await refill();
      const values = new Values(contract.document, pool);
      const send = async (request: FuzzRequest) => {
        const response = await server.app.inject(request as InjectOptions);
        const { statusCode } = response;
        // that a 503 is documented has been checked
        if (statusCode >= 500 && statusCode !== 503) {
          throw new Error(
            `${request.method} ${request.url.slice(0, 300)} -> ${statusCode}: ${server.log().slice(-3_000)}`,
          );
        }
        sent += 1;
        const kind = `${Math.floor(statusCode / 100)}xx`;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        if (statusCode < 400 && request.method === target.method) accepted.add(nameOf(target));
        if (sent % REFILL_EVERY === 0) await refill();
      };
      await fc.assert(fc.asyncProperty(requestsOf(target, values, pool), send), { numRuns: runs, seed: SEED });
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const kinds = [...counts].sort().map(([kind, count]) => `${count} ${kind}`);
    // accepted requests for deletions are signed
    const never = targets.map(nameOf).filter((name) => !accepted.has(name) && !name.includes('deletion-requests'));
    process.stdout.write(
      `fuzz: ${sent} requests to ${targets.length} operations in ${seconds} s, seed ${SEED}: ` +
        `${kinds.join(', ')}; never accepted: ${never.join(', ') || 'none'}\n`,
    );
    expect(sent).toBeGreaterThanOrEqual(REQUESTS);
    // an operation that refuses every request is not tested: add the values that it needs to the pool
    expect(never.length).toBeLessThanOrEqual(targets.length * MAXIMUM_NEVER_ACCEPTED);
    await checkStore();
  });

  itUsual('refuses a query name that it does not have', async () => {
    for (const target of targets) {
      if (!target.path.startsWith('/v1/')) continue;
      const { method, path } = target;
      const answer = await server.call(method as 'GET', `${urlOf(target)}?sneaky=1`);
      // the first, unless the query also lacks what it must have
      const pointers = answer.json?.errors?.map(({ pointer }: { pointer: string }) => pointer);
      expect([`${method} ${path}`, answer.status, pointers]).toEqual([
        `${method} ${path}`,
        400,
        expect.arrayContaining(['sneaky']),
      ]);
    }
  });

  itUsual('refuses each value that the schema of a field refuses, by the pointer of the field', async () => {
    const values = new Values(contract.document, pool);
    let fields = 0;
    for (const target of targets) {
      const send = async (name: string, pointer: string, value: unknown, path: string, body?: object) => {
        const { status, json } = await server.call(target.method as 'GET', path, body);
        const pointers: string[] = json?.errors?.map((error: { pointer: string }) => error.pointer) ?? [];
        const isNamed = pointers.some((one) => one === pointer || one.startsWith(`${pointer}/`));
        const what = [nameOf(target), name, JSON.stringify(value).slice(0, 80)];
        expect([...what, status, isNamed, pointers]).toEqual([...what, 400, true, pointers]);
      };
      for (const { in: place, name, schema } of target.operation.parameters ?? []) {
        if (place !== 'query' || !target.path.startsWith('/v1/')) continue;
        fields += 1;
        // in a query, everything is text, which a number or boolean may be read from
        const isText = schema?.['type'] === 'string' && schema['enum'] === undefined;
        for (const value of values.breaking(schema!))
          if (typeof value === 'string' || (typeof value === 'number' && !isText))
            await send(name, name, value, `${urlOf(target)}?${name}=${encodeURIComponent(value)}`);
      }
      const { properties = {} } = (target.operation.requestBody?.content['application/json']?.schema ?? {}) as {
        readonly properties?: Readonly<Record<string, JsonSchema>>;
      };
      for (const [name, schema] of Object.entries(properties)) {
        fields += 1;
        for (const value of values.breaking(schema))
          await send(name, `/${name}`, value, urlOf(target), { [name]: value });
      }
    }
    expect(fields).toBeGreaterThan(60);
  });

  itUsual.each(['0x1', ' 1', '1 ', '1e0', '+1', '01', '1.0', '', '1'.repeat(400)])(
    'refuses %j as a whole number of its query',
    async (text) => {
      const answers: unknown[] = [];
      for (const target of targets)
        for (const { in: place, name, schema } of target.operation.parameters ?? []) {
          if (place !== 'query' || schema?.['type'] !== 'integer') continue;
          const { status, json } = await server.call('GET', `${urlOf(target)}?${name}=${encodeURIComponent(text)}`);
          answers.push([target.path, status, json?.errors?.[0]?.pointer]);
          expect(answers.at(-1)).toEqual([target.path, 400, name]);
        }
      expect(answers.length).toBeGreaterThan(10);
    },
  );
});

/** With ids that are there. */
function urlOf({ path }: Target): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(pool(placeOf(path, name))[0] ?? 'x'));
}

function nameOf({ method, path }: Target): string {
  return `${method} ${path}`;
}

/** Does the engine's work, makes campaigns where too many were deleted, and takes them into the pool. */
async function refill(): Promise<void> {
  for (let queued = (await server.store.countsByState()).queued; queued > 0; queued--) await server.finishNext();
  while ((await server.store.countsByState()).ready < READY_CAMPAIGNS) await server.createReady();
  await server.call('POST', '/v1/campaigns', OK_BODY); // one that is queued
  const ready = (await server.store.list({ limit: 1, state: 'ready' })).items[0]!;
  // a second version of it
  if ((await server.store.audienceVersions(ready.id, { limit: 2 })).items.length < 2)
    for (const size of [40, 41])
      await server.store.update(ready.id, { audience: { size }, cuts: [CUT], holdoutPercent: 10 });
  const queued = (await server.store.list({ limit: 1, state: 'queued' })).items[0]!;
  // few, so that an expansion is often the campaign's
  ids = [ready.id, queued.id];
  expansionIds = [ready.expansionId!, queued.expansionId!];
  keyIds = (await server.store.apiKeys.list({ limit: 5 })).items.map(({ id }) => id);
  const folder = { name: 'x', kind: 'folder', path: 'exports', format: 'csv' };
  if ((await server.store.destinations.list({ limit: 1 })).items.length === 0)
    await server.call('POST', '/v1/destinations', folder);
  destinationIds = (await server.store.destinations.list({ limit: 5 })).items.map(({ id }) => id);
  webhookIds = (await server.store.webhooks.list({ limit: 5 })).items.map(({ id }) => id);
  const webhook = (await server.store.webhooks.list({ limit: 1 })).items[0];
  if (webhook === undefined) return;
  await server.call('POST', `/v1/webhooks/${webhook.id}/ping`);
  const { json } = await server.call('GET', `/v1/webhooks/${webhook.id}/deliveries`);
  deliveryIds = json.items.map(({ id }: { id: string }) => id);
}

async function checkStore(): Promise<void> {
  const file = readdirSync(server.dataDir).find((name) => /\.(db|sqlite3?)$/.test(name));
  if (file === undefined) throw new Error(`no database among ${readdirSync(server.dataDir).join(', ')}`);
  const database = connect(join(server.dataDir, file), { readonly: true });
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(database.pragma('foreign_key_check')).toEqual([]);
    const { n: rows } = database.prepare('SELECT count(*) AS n FROM campaigns').get() as { n: number };
    const listed = await listAll();
    expect([listed.length, new Set(listed).size]).toEqual([rows, rows]);
    for (const id of listed) expect((await server.call('GET', `/v1/campaigns/${id}`)).status).toBe(200);
  } finally {
    database.close();
  }
}

async function listAll(): Promise<string[]> {
  const listed: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { json } = await server.call('GET', `/v1/campaigns?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`);
    listed.push(...json.items.map(({ id }: { id: string }) => id));
    cursor = json.next_cursor;
  }
  return listed;
}
