/** Routes of webhooks: create, list, get, change, rotate, ping, log, replay, delete. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';

const ALL = [
  'campaign.ready',
  'campaign.failed',
  'campaign.too_small',
  'campaign.refreshed',
  'campaign.resized',
  'campaign.activated',
  'campaign.deleted',
];
const URL_OF = 'https://example.com/hook?token=hunter2';

let fixture: Fixture;
let clock: ManualClock;
const population = await importUsers();
/** Nothing leaves this machine: no name is ever resolved. */
async function open(config: Partial<ServerConfig> = {}): Promise<void> {
  clock = manualClock();
  fixture = await openFixture(population, config, {
    clock,
    resolve: (_host, _options, done) => done(Object.assign(new Error('no network'), { code: 'ENOTFOUND' }), []),
  });
}
const create = async (body: object = { url: URL_OF }) => (await fixture.call('POST', '/v1/webhooks', body)).json;
const codeOf = async (...call: Parameters<Fixture['call']>) => {
  const { status, json } = await fixture.call(...call);
  return [status, json?.code];
};

describe('POST /v1/webhooks', () => {
  beforeAll(() => open());

  it('creates a webhook for all events, and shows the secret', async () => {
    const answer = await fixture.call('POST', '/v1/webhooks', { url: URL_OF });
    expect(answer.status).toBe(201);
    expect(answer.headers).toHaveProperty('location', `/v1/webhooks/${answer.json.id}`);
    expect(answer.json).toEqual({
      id: expect.any(String),
      url: URL_OF,
      events: ALL,
      description: '',
      enabled: true,
      disabled_reason: null,
      created_at: '2023-11-14T22:13:20.000Z',
      updated_at: '2023-11-14T22:13:20.000Z',
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
  });

  it('takes events and a description, and never shows the secret again', async () => {
    const { secret, ...shown } = await create({ url: URL_OF, events: ['campaign.failed'], description: 'on call' });
    expect(shown).toMatchObject({ events: ['campaign.failed'], description: 'on call' });
    const got = await fixture.call('GET', `/v1/webhooks/${shown.id}`);
    expect(got.json).toEqual(shown);
    const list = await fixture.call('GET', '/v1/webhooks');
    const changed = await fixture.call('PATCH', `/v1/webhooks/${shown.id}`, { description: 'x' });
    for (const text of [got.text, list.text, changed.text, fixture.log()]) expect(text).not.toContain(secret);
    expect((await create()).secret).not.toBe(secret);
  });

  it.each([
    ['no URL', {}, '/url'],
    ['a URL that is too long', { url: `https://example.com/${'x'.repeat(2048)}` }, '/url'],
    ['a ping as an event', { url: URL_OF, events: ['webhook.ping'] }, '/events/0'],
    ['an event twice', { url: URL_OF, events: ['campaign.ready', 'campaign.ready'] }, '/events/1'],
    ['a secret of its own', { url: URL_OF, secret: 'whsec_x' }, '/secret'],
  ])('refuses %s', async (_name, body, pointer) => {
    const answer = await fixture.call('POST', '/v1/webhooks', body);
    expect([answer.status, answer.json.code, answer.json.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
  });

  it.each([
    'http://example.com/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://localhost/',
    'ftp://a/',
    'https://u:p@a.example/',
  ])('refuses %s', async (url) => {
    const answer = await fixture.call('POST', '/v1/webhooks', { url });
    expect([answer.status, answer.json.code]).toEqual([400, 'webhook_url_refused']);
    const { id } = await create();
    expect(await codeOf('PATCH', `/v1/webhooks/${id}`, { url })).toEqual([400, 'webhook_url_refused']);
    expect((await fixture.call('GET', `/v1/webhooks/${id}`)).json.url).toBe(URL_OF);
  });

  it('answers a list of millions of wrong events with a few', async () => {
    const body = `{"url":"${URL_OF}","events":[${'0,'.repeat(1_000_000)}0]}`;
    const answer = await fixture.call('POST', '/v1/webhooks', body);
    expect([answer.status, answer.json.errors.length]).toEqual([400, 20]);
  });
});

describe('a server with room for two webhooks', () => {
  it('refuses a third one until one is deleted', async () => {
    await open({ maximumWebhooks: 2 });
    const { id } = await create();
    await create();
    expect(await codeOf('POST', '/v1/webhooks', { url: URL_OF })).toEqual([409, 'too_many_webhooks']);
    await fixture.call('DELETE', `/v1/webhooks/${id}`);
    expect((await create()).id).toEqual(expect.any(String));
  });
});

describe('a webhook that is not there', () => {
  beforeAll(() => open());

  it.each([
    ['GET', ''],
    ['PATCH', '', { enabled: true }],
    ['DELETE', ''],
    ['POST', '/rotate'],
    ['POST', '/ping'],
    ['GET', '/deliveries'],
    ['POST', '/deliveries/x/replay'],
  ] as const)('is a 404 for %s %s', async (method, path, body?: object) => {
    expect(await codeOf(method, `/v1/webhooks/nobody${path}`, body)).toEqual([404, 'webhook_not_found']);
  });

  it('has no delivery of another webhook', async () => {
    const [one, two] = [await create(), await create()];
    const { json: delivery } = await fixture.call('POST', `/v1/webhooks/${one.id}/ping`);
    const path = (id: string) => `/v1/webhooks/${id}/deliveries/${delivery.id}/replay`;
    expect(await codeOf('POST', path(two.id))).toEqual([404, 'delivery_not_found']);
    expect((await fixture.call('POST', path(one.id))).status).toBe(202);
  });
});

describe('GET /v1/webhooks', () => {
  it('pages newest first, and inserts change nothing for its reader', async () => {
    await open();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await create()).id);
    const first = (await fixture.call('GET', '/v1/webhooks?limit=2')).json;
    await create();
    const second = (await fixture.call('GET', `/v1/webhooks?limit=2&cursor=${first.next_cursor}`)).json;
    const third = (await fixture.call('GET', `/v1/webhooks?limit=2&cursor=${second.next_cursor}`)).json;
    const seen = [first, second, third].flatMap(({ items }) => items.map(({ id }: { id: string }) => id));
    expect(seen).toEqual(ids);
    expect(third.next_cursor).toBeNull();
  });

  it('refuses a cursor of another list, and a limit that is too large', async () => {
    await open();
    const { id } = await create();
    for (let i = 0; i < 2; i++) await fixture.call('POST', `/v1/webhooks/${id}/ping`);
    const { next_cursor: cursor } = (await fixture.call('GET', `/v1/webhooks/${id}/deliveries?limit=1`)).json;
    expect(await codeOf('GET', `/v1/webhooks?cursor=${cursor}`)).toEqual([400, 'invalid_cursor']);
    expect(await codeOf('GET', '/v1/webhooks?limit=201')).toEqual([400, 'invalid_request']);
  });
});

describe('PATCH /v1/webhooks/{id}', () => {
  beforeEach(() => open());

  it('changes what is named, and nothing else', async () => {
    const { secret: _, ...before } = await create();
    clock.pass(1000);
    const answer = await fixture.call('PATCH', `/v1/webhooks/${before.id}`, {
      events: ['campaign.ready'],
      enabled: false,
    });
    const expected = { ...before, events: ['campaign.ready'], enabled: false, updated_at: '2023-11-14T22:13:21.000Z' };
    expect([answer.status, answer.json]).toEqual([200, expected]);
    const again = await fixture.call('PATCH', `/v1/webhooks/${before.id}`, {
      url: 'https://b.example/',
      enabled: true,
    });
    expect(again.json).toEqual({ ...expected, url: 'https://b.example/', enabled: true });
  });

  it.each([[{}], [{ id: 'x' }]])('refuses %j', async (body) => {
    const { id } = await create();
    expect(await codeOf('PATCH', `/v1/webhooks/${id}`, body)).toEqual([400, 'invalid_request']);
  });
});

describe('POST /v1/webhooks/{id}/rotate', () => {
  beforeAll(() => open());

  it('returns a new secret, with a body and without', async () => {
    const { id, secret } = await create();
    const first = await fixture.call('POST', `/v1/webhooks/${id}/rotate`);
    const second = await fixture.call('POST', `/v1/webhooks/${id}/rotate`, { grace_seconds: 60 });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(new Set([secret, first.json.secret, second.json.secret]).size).toBe(3);
  });
});

describe('GET /v1/webhooks/{id}/deliveries', () => {
  it('pages newest first over inserts, and by state', async () => {
    await open();
    const { id } = await create();
    const ping = async () => (await fixture.call('POST', `/v1/webhooks/${id}/ping`)).json.id as string;
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift(await ping());
    const path = `/v1/webhooks/${id}/deliveries`;
    const first = (await fixture.call('GET', `${path}?limit=2`)).json;
    await ping();
    const rest = (await fixture.call('GET', `${path}?limit=2&cursor=${first.next_cursor}`)).json;
    expect([...first.items, ...rest.items].map((item: { id: string }) => item.id)).toEqual(ids);
    expect(rest.next_cursor).toBeNull();
    expect((await fixture.call('GET', `${path}?state=delivered`)).json.items).toEqual([]);
    expect((await fixture.call('GET', `${path}?state=pending`)).json.items).toHaveLength(4);
    expect(await codeOf('GET', `${path}?state=lost`)).toEqual([400, 'invalid_request']);
  });
});

describe('a disabled webhook', () => {
  it('is not pinged, and nothing is replayed to it', async () => {
    await open();
    const { id } = await create();
    const { json: delivery } = await fixture.call('POST', `/v1/webhooks/${id}/ping`);
    await fixture.call('PATCH', `/v1/webhooks/${id}`, { enabled: false });
    const path = `/v1/webhooks/${id}`;
    expect(await codeOf('POST', `${path}/ping`)).toEqual([409, 'webhook_disabled']);
    expect(await codeOf('POST', `${path}/deliveries/${delivery.id}/replay`)).toEqual([409, 'webhook_disabled']);
  });
});

describe('DELETE /v1/webhooks/{id}', () => {
  it('removes it, and its deliveries', async () => {
    await open();
    const { id } = await create();
    await fixture.call('POST', `/v1/webhooks/${id}/ping`);
    const answer = await fixture.call('DELETE', `/v1/webhooks/${id}`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await codeOf('GET', `/v1/webhooks/${id}`)).toEqual([404, 'webhook_not_found']);
    expect(await fixture.store.outbox.pendingCount()).toBe(0);
  });
});
