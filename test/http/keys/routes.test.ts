/** Keys over HTTP: keys with labels, the metrics key, and the audit log. */
import { describe, expect, it } from 'vitest';
import type { NewApiKey } from '../../../src/domain/api-keys.ts';
import type { ServerConfig } from '../../../src/http/config.ts';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { jsonLines } from '../../fixture/json-lines.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, SEEDS } from '../fixture.ts';

const OPERATOR = 'operators-key-of-this-test';

let server: Fixture;
const population = await importUsers();

const open = async (config: Partial<ServerConfig> = { apiKey: OPERATOR }) => {
  server = await openFixture(population, config);
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
const call = (key: string, method: Method, path: string, body?: unknown) =>
  server.call(method, path, body, bearer(key));
const make = async (changes: Partial<NewApiKey> = {}) =>
  server.store.apiKeys.create({ name: 'k', scope: 'write', labels: {}, expiresAt: null, ...changes }, 100);
const entries = async () => {
  const { text } = await call(OPERATOR, 'GET', '/v1/audit');
  return jsonLines(text);
};

describe('/v1/keys', () => {
  it('creates a key that works at once, shows it once, and revokes it at once', async () => {
    await open();
    const body = { name: 'ads', scope: 'write', expires_at: '2999-01-01T00:00:00Z' };
    const created = await call(OPERATOR, 'POST', '/v1/keys', body);
    expect([created.status, created.headers['cache-control']]).toEqual([201, 'no-store']);
    const { key, ...shown } = created.json;
    expect(key.startsWith(`${shown.id}_`)).toBe(true);
    expect(created.headers['location']).toBe(`/v1/keys/${shown.id}`);
    expect((await call(OPERATOR, 'GET', `/v1/keys/${shown.id}`)).json).toEqual(shown);
    expect((await call(OPERATOR, 'GET', '/v1/keys')).json).toEqual({ items: [shown], next_cursor: null });
    expect((await call(key, 'GET', '/v1/campaigns')).status).toBe(200);
    expect((await call(OPERATOR, 'DELETE', `/v1/keys/${shown.id}`)).status).toBe(204);
    expect((await call(key, 'GET', '/v1/campaigns')).json).toMatchObject({ code: 'unauthorized' });
    expect((await call(OPERATOR, 'DELETE', '/v1/keys/mh_0')).json.code).toBe('key_not_found');
  });

  it.each([
    [{ name: 'a', scope: 'read', expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
    [{ name: 'a', scope: 'admin', labels: { a: 'b' } }, '/labels'],
  ])('refuses %j', async (body, pointer) => {
    await open();
    const { status, json } = await call(OPERATOR, 'POST', '/v1/keys', body);
    expect([status, json.errors[0].pointer]).toEqual([400, pointer]);
  });

  it("returns the caller's identity and permissions", async () => {
    await open();
    const { apiKey, key } = await make({ scope: 'read', labels: { team: 'a' } });
    const { status, json } = await call(key, 'GET', '/v1/keys/current');
    expect([status, json]).toEqual([
      200,
      {
        actor: apiKey.id,
        scope: 'read',
        labels: { team: 'a' },
        key: expect.objectContaining({ id: apiKey.id, name: 'k' }),
      },
    ]);
    const operator = { actor: 'admin', scope: 'admin', labels: {}, key: null };
    expect((await call(OPERATOR, 'GET', '/v1/keys/current')).json).toEqual(operator);
    expect((await server.call('GET', '/v1/keys/current')).status).toBe(401);
  });

  it('reports full permissions if no key is required', async () => {
    await open({});
    const anybody = { actor: 'anonymous', scope: 'admin', labels: {}, key: null };
    expect((await server.call('GET', '/v1/keys/current')).json).toEqual(anybody);
  });

  it('shows a key of certain labels no other campaigns, whatever labels it asks for', async () => {
    await open();
    await call(OPERATOR, 'POST', '/v1/campaigns', { ...OK_BODY, labels: { team: 'a', kind: 'x' } });
    await call(OPERATOR, 'POST', '/v1/campaigns', { ...OK_BODY, labels: { team: 'b', kind: 'x' } });
    const { key } = await make({ labels: { team: 'a' } });
    for (const [query, count] of [
      ['', 1],
      ['?label=kind=x', 1],
      ['?label=team=a', 1],
      ['?label=team=b', 0],
      ['?label=kind=y', 0],
    ])
      expect([query, (await call(key, 'GET', `/v1/campaigns${query}`)).json.items.length]).toEqual([query, count]);
    const ids = (await call(OPERATOR, 'GET', '/v1/campaigns')).json.items.map(({ id }: { id: string }) => id);
    const { items, not_found } = (await call(key, 'POST', '/v1/campaigns/status', { ids })).json;
    expect([items.map(({ id }: { id: string }) => id), not_found]).toEqual([[ids[1]], [ids[0]]]);
  });

  it('refuses to create the first key if no key is required', async () => {
    await open({});
    const { status, json } = await server.call('POST', '/v1/keys', { name: 'a', scope: 'admin' });
    expect([status, json.code]).toEqual([403, 'forbidden']);
    expect((await server.call('GET', '/v1/campaigns')).status).toBe(200);
  });

  it('is required from the first key on, even after it is revoked', async () => {
    await open({});
    const { apiKey } = await make();
    expect((await server.call('GET', '/v1/campaigns')).status).toBe(401);
    await server.store.apiKeys.revoke(apiKey.id);
    expect((await server.call('GET', '/v1/campaigns')).status).toBe(401);
    expect((await server.call('GET', '/v1/nowhere')).status).toBe(401);
  });

  it('accepts a key until it expires', async () => {
    let now = 1_000;
    server = await openFixture(population, {}, { clock: { now: () => now, elapsed: () => now } });
    const { key, apiKey } = await make({ expiresAt: 2_000 });
    now = 1_999;
    expect((await call(key, 'GET', '/v1/campaigns')).status).toBe(200);
    now = 2_000;
    const { status, json } = await call(key, 'GET', '/v1/campaigns');
    expect([status, json.detail]).toEqual([401, `the key ${apiKey.id} has expired`]);
  });

  it('refuses an expired key for ever, even if the clock is not trusted yet and goes back', async () => {
    let now = 1_700_000_000_000;
    const clock = new ServiceClock({ system: { now: () => now, elapsed: () => 0 }, settleMs: 3_600_000 });
    clock.attach({ seen: () => null, used: () => null, steps: () => [], remember: () => {}, step: () => {} });
    server = await openFixture(population, {}, { clock });
    const { key, apiKey } = await make({ expiresAt: now + 2_000 });
    const { key: other } = await make({ expiresAt: now + 2_000 });
    now += 3_000;
    clock.look();
    expect([clock.isSettled, (await call(key, 'GET', '/v1/campaigns')).status]).toEqual([false, 401]);
    now -= 2 * 3_600_000;
    clock.look();
    expect(clock.now()).toBe(now);
    const { json } = await call(key, 'GET', '/v1/campaigns');
    expect(json.detail).toBe(`the key ${apiKey.id} has expired`);
    // only what was refused is recorded while the clock may be wrong
    expect((await call(other, 'GET', '/v1/campaigns')).status).toBe(200);
  });
});

describe('a key of certain labels', () => {
  it('only sees and makes campaigns that have all of them', async () => {
    await open();
    const { key } = await make({ labels: { team: 'a' } });
    const mine = (await call(key, 'POST', '/v1/campaigns', { ...OK_BODY, labels: { team: 'a', x: 'y' } })).json.id;
    const other = (await call(OPERATOR, 'POST', '/v1/campaigns', { ...OK_BODY, labels: { team: 'b' } })).json.id;
    expect((await call(key, 'GET', '/v1/campaigns')).json.items.map(({ id }: { id: string }) => id)).toEqual([mine]);
    expect((await call(key, 'GET', `/v1/campaigns/${mine}`)).status).toBe(200);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '', undefined],
      ['GET', '/audience', undefined],
      ['GET', '/audience/members/person-50', undefined],
      ['PUT', '/seeds', { user_ids: SEEDS }],
    ] as const) {
      const { status, json } = await call(key, method, `/v1/campaigns/${other}${path}`, body);
      expect([method, path, status, json.code]).toEqual([method, path, 404, 'campaign_not_found']);
    }
    const unlabelled = await call(key, 'POST', '/v1/campaigns', OK_BODY);
    const changed = await call(key, 'PATCH', `/v1/campaigns/${mine}`, { labels: { team: 'b' } });
    expect([unlabelled.json.code, changed.json.code]).toEqual(['forbidden', 'forbidden']);
    expect((await call(OPERATOR, 'GET', '/v1/campaigns')).json.items).toHaveLength(2);
  });
});

describe('metrics, documents and the details of readiness', () => {
  const PATHS = ['/metrics', '/openapi.json', '/docs/', '/docs/json', '/docs/static/index.html'];
  const statuses = async (headers: Record<string, string>) => {
    const answers = [];
    for (const path of PATHS) answers.push((await server.call('GET', path, undefined, headers)).status);
    return new Set(answers);
  };

  it.each<[string, Partial<ServerConfig>]>([
    ['a key for metrics', { metricsKey: 'metrics-key', apiKey: OPERATOR }],
    ['a key for metrics and no other', { metricsKey: 'metrics-key' }],
  ])('need it, or an API key, where there is %s', async (_name, config) => {
    await open(config);
    const { key } = await make({ scope: 'read' });
    expect(await statuses({})).toEqual(new Set([401]));
    expect(await statuses(bearer('metrics-keys'))).toEqual(new Set([401]));
    expect([...(await statuses(bearer('metrics-key')))]).not.toContain(401);
    expect([...(await statuses(bearer(key)))]).not.toContain(401);
    expect((await server.call('GET', '/v1/campaigns', undefined, bearer('metrics-key'))).status).toBe(401);
    expect((await server.call('GET', '/docs/errors/unauthorized')).status).toBe(200);
  });

  it('need an API key on a public address', async () => {
    await open({ apiKey: OPERATOR, isPublic: true });
    expect(await statuses({})).toEqual(new Set([401]));
    expect([...(await statuses(bearer(OPERATOR)))]).not.toContain(401);
  });

  it('leave readiness itself open, without its details', async () => {
    let now = 0;
    server = await openFixture(
      population,
      { metricsKey: 'metrics-key' },
      { clock: { now: () => now, elapsed: () => now } },
    );
    const ready = (headers: Record<string, string>) => server.call('GET', '/readyz', undefined, headers);
    expect((await ready({})).json).toEqual({ status: 'ready' });
    expect((await ready(bearer('metrics-key'))).json.parts.length).toBeGreaterThan(1);
    server.answers.engine = () => ({ ready: false, detail: 'secret detail', restarts: 0 });
    now += 2_000; // parts are checked at most once a second
    const { status, text } = await ready({});
    expect([status, text.includes('secret detail'), text.includes('parts')]).toEqual([503, false, false]);
    expect((await ready(bearer('metrics-key'))).text).toContain('secret detail');
  });
});

describe('GET /v1/audit', () => {
  it('has what was changed, by which key, and nothing that was refused or only read', async () => {
    await open();
    const { key, apiKey } = await make();
    const created = await server.call(
      'POST',
      '/v1/campaigns',
      { ...OK_BODY, seeds: [...SEEDS, 'planted-1'] },
      {
        ...bearer(key),
        'x-request-id': 'r-1',
        'idempotency-key': 'once',
      },
    );
    const { id } = created.json;
    const again = { ...bearer(key), 'idempotency-key': 'once' };
    await server.call('POST', '/v1/campaigns', { ...OK_BODY, seeds: [...SEEDS, 'planted-1'] }, again);
    await call(key, 'PUT', `/v1/campaigns/${id}/seeds?dry_run=true`, { user_ids: [...SEEDS, 'planted-2'] });
    await call(key, 'PUT', `/v1/campaigns/${id}/seeds`, { user_ids: [...SEEDS, 'planted-2'] });
    await call(key, 'POST', `/v1/campaigns/${id}/feedback`, { events: [{ user_id: 'person-9', event: 'click' }] });
    await call(key, 'POST', `/v1/campaigns/${id}/audience/members/batch`, { user_ids: ['person-9'] });
    await call(key, 'DELETE', '/v1/campaigns/none');
    await call(key, 'POST', '/v1/keys', { name: 'a', scope: 'read' });
    await call(OPERATOR, 'DELETE', '/v1/users/person-200');
    const made = await call(OPERATOR, 'POST', '/v1/keys', { name: 'planted-3', scope: 'read' });
    await call(key, 'DELETE', `/v1/campaigns/${id}`);
    const found = await entries();
    expect(found.map((one) => [one.actor, one.action, one.resource, one.resource_id, one.status])).toEqual([
      [apiKey.id, 'createCampaign', 'campaign', id, 202],
      [apiKey.id, 'replaceSeeds', 'campaign', id, 200],
      [apiKey.id, 'recordFeedback', 'campaign', id, 200],
      ['admin', 'eraseUser', 'user', null, 204],
      ['admin', 'createKey', 'key', made.json.id, 201],
      [apiKey.id, 'deleteCampaign', 'campaign', id, 204],
    ]);
    expect(found[0]).toMatchObject({ request_id: 'r-1', address: '127.0.0.1' });
    const text = JSON.stringify(found);
    expect(text).not.toMatch(/planted|person-/);
    for (const secret of [key, made.json.key, OPERATOR]) expect(text).not.toContain(secret.slice(-30));
  });

  it('is read by pages', async () => {
    await open();
    for (const name of ['a', 'b', 'c']) await call(OPERATOR, 'POST', '/v1/keys', { name, scope: 'read' });
    const all = await entries();
    const first = await call(OPERATOR, 'GET', '/v1/audit?limit=2');
    const rest = await call(OPERATOR, 'GET', `/v1/audit?limit=2&cursor=${String(first.headers['x-next-cursor'])}`);
    expect(jsonLines(`${first.text}${rest.text}`)).toEqual(all);
    expect(rest.headers['x-next-cursor']).toBeUndefined();
  });
});
