/** Idempotency keys: every POST that creates something creates it once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openContract } from '../../fixture/api-document.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, type PopulationFixture } from '../fixture.ts';

let users: PopulationFixture;
let fixture: Fixture;
beforeAll(async () => {
  users = await importUsers();
  fixture = await openFixture(users.population);
});
afterAll(async () => {
  await fixture.close();
  users.remove();
});

let campaign = '';
let webhook = '';
let delivery = '';
beforeEach(async () => {
  campaign = await fixture.createReady();
  webhook = (await fixture.call('POST', '/v1/webhooks', { url: 'https://example.com/' })).json.id;
  delivery = (await fixture.call('POST', `/v1/webhooks/${webhook}/ping`)).json.id;
});

const count = async (path: string) => (await fixture.call('GET', path)).json.items.length as number;

/** The routes, and how many things there are. */
const MAKING = [
  {
    route: '/v1/campaigns',
    path: () => '/v1/campaigns',
    body: OK_BODY,
    made: () => count('/v1/campaigns?limit=200'),
  },
  {
    route: '/v1/campaigns/{id}/expansions',
    path: () => `/v1/campaigns/${campaign}/expansions`,
    body: undefined,
    made: () => count(`/v1/campaigns/${campaign}/expansions`),
  },
  {
    route: '/v1/webhooks',
    path: () => '/v1/webhooks',
    body: { url: 'https://example.com/other' },
    made: () => count('/v1/webhooks'),
  },
  {
    route: '/v1/webhooks/{id}/rotate',
    path: () => `/v1/webhooks/${webhook}/rotate`,
    body: { grace_seconds: 60 },
    made: async () => Number((await fixture.call('GET', `/v1/webhooks/${webhook}`)).json.id === webhook),
  },
  {
    route: '/v1/webhooks/{id}/ping',
    path: () => `/v1/webhooks/${webhook}/ping`,
    body: undefined,
    made: () => count(`/v1/webhooks/${webhook}/deliveries`),
  },
  {
    route: '/v1/webhooks/{id}/deliveries/{delivery_id}/replay',
    path: () => `/v1/webhooks/${webhook}/deliveries/${delivery}/replay`,
    body: undefined,
    made: () => count(`/v1/webhooks/${webhook}/deliveries`),
  },
];

/** POSTs that create nothing, or always have the same effect. */
const MAKING_NOTHING = [
  '/v1/campaigns/{id}/audience/members/batch',
  '/v1/campaigns/{id}/expansions/{expansion_id}/cancel',
  '/v1/campaigns/{id}/feedback',
  '/v1/campaigns/{id}/seeds/add',
  '/v1/campaigns/{id}/seeds/remove',
  '/v1/campaigns/{id}/suppression/add',
  '/v1/campaigns/{id}/suppression/remove',
  '/v1/clock/confirm',
  '/v1/estimates',
  '/v1/populations/{version}/activate',
  '/v1/suppression/add',
  '/v1/suppression/remove',
  // these name the version that they switch to or from
  '/v1/models/{version}/activate',
  '/v1/models/{version}/rollback',
  // the stored response would contain the key in plain text; a repeated request creates a second key, to be revoked
  '/v1/keys',
];

it('every POST that makes something takes a key', async () => {
  const { operations } = await openContract();
  const posts = operations.filter(({ method }) => method === 'POST');
  const taking = posts.filter(({ operation }) => operation.parameters?.some(({ name }) => name === 'idempotency-key'));
  expect(taking.map(({ path }) => path).sort()).toEqual(MAKING.map(({ route }) => route).sort());
  const rest = posts.filter((one) => !taking.includes(one)).map(({ path }) => path);
  expect(rest.sort()).toEqual([...MAKING_NOTHING].sort());
});

describe.each(MAKING)('POST $route', ({ route, path, body, made }) => {
  it('makes it once, gives the same answer again, and takes the key for nothing else', async () => {
    const key = { 'idempotency-key': `key of ${route}`.replaceAll(' ', '-') };
    const first = await fixture.call('POST', path(), body, key);
    expect([first.status < 300, first.headers['idempotent-replayed']]).toEqual([true, undefined]);
    const before = await made();
    const again = await fixture.call('POST', path(), body, key);
    expect([again.status, again.text, again.headers['location']]).toEqual([
      first.status,
      first.text,
      first.headers['location'],
    ]);
    expect(again.headers).toHaveProperty('idempotent-replayed', 'true');
    expect(await made()).toBe(before);
    const other = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, name: 'another' }, key);
    expect([other.status, other.json.code]).toEqual([409, 'idempotency_key_reused']);
  });
});

it('of requests with one key at the same time one makes it', async () => {
  const path = `/v1/campaigns/${campaign}/expansions`;
  await fixture.call('POST', `/v1/campaigns/${campaign}/feedback`, {
    events: [{ user_id: 'person-50', event: 'click' }],
  });
  const before = await count(path);
  const key = { 'idempotency-key': 'at-once' };
  const answers = await Promise.all([1, 2, 3].map(() => fixture.call('POST', path, undefined, key)));
  expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
  expect(await count(path)).toBe(before + 1);
});

it('a refused request keeps no answer', async () => {
  const key = { 'idempotency-key': 'refused' };
  const body = { url: 'http://127.0.0.1/' };
  for (let i = 0; i < 2; i++) {
    const { status, headers } = await fixture.call('POST', '/v1/webhooks', body, key);
    expect([status, headers['idempotent-replayed']]).toEqual([400, undefined]);
  }
});
