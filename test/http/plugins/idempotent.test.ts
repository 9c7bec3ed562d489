/** Idempotency keys: every POST that creates something creates it once. */
import type { FastifyReply } from 'fastify';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createOnce } from '../../../src/http/plugins/idempotent.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { openContract } from '../../fixture/api-document.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population, {}, { destinationsRoot: temporaryFolder() });
const FOLDER = { name: 'x', kind: 'folder', path: 'exports', format: 'csv' };

let campaign = '';
let webhook = '';
let delivery = '';
let destination = '';
let written = '';
beforeEach(async () => {
  destination = (await fixture.call('POST', '/v1/destinations', FOLDER)).json.id;
  campaign = await fixture.createReady();
  written = (await fixture.call('GET', `/v1/destinations/${destination}/deliveries`)).json.items[0].id;
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
  {
    route: '/v1/destinations',
    path: () => '/v1/destinations',
    body: FOLDER,
    made: () => count('/v1/destinations'),
  },
  {
    route: '/v1/destinations/{id}/deliveries/{delivery_id}/replay',
    path: () => `/v1/destinations/${destination}/deliveries/${written}/replay`,
    body: undefined,
    made: () => count(`/v1/destinations/${destination}/deliveries`),
  },
];

/** POSTs that create nothing, or always have the same effect. */
const MAKING_NOTHING = [
  '/v1/campaigns/{id}/audience/members/batch',
  '/v1/campaigns/{id}/expansions/{expansion_id}/cancel',
  '/v1/campaigns/status',
  '/v1/campaigns/{id}/conversions',
  '/v1/campaigns/{id}/feedback',
  '/v1/campaigns/{id}/negatives/add',
  '/v1/campaigns/{id}/negatives/remove',
  '/v1/destinations/{id}/test',
  '/v1/campaigns/{id}/seeds/add',
  '/v1/campaigns/{id}/seeds/remove',
  '/v1/campaigns/{id}/suppression/add',
  '/v1/campaigns/{id}/suppression/remove',
  '/v1/clock/confirm',
  '/v1/deletion-requests',
  // tools take keys as arguments
  '/mcp',
  '/v1/estimates',
  '/v1/populations/{version}/activate',
  '/v1/suppression/add',
  '/v1/suppression/remove',
  '/v1/users/erase',
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

describe('createOnce, if another process answers the request first', () => {
  const request = { method: 'POST', url: '/', body: {}, headers: { 'idempotency-key': 'k' } };
  const taken = new AppError('external_id_taken', 'taken');
  /** Answers of the store, one per look-up; the creation fails. */
  async function ask(answers: (string | null)[]) {
    const headers: Record<string, string> = {};
    const reply = {
      header: (name: string, value: string) => {
        headers[name] = value;
        return reply;
      },
      send: (sent: unknown) => sent,
    };
    const once = createOnce({ answerOf: async () => answers.shift()! });
    const shown: unknown[] = [];
    await once(request, reply as unknown as FastifyReply, {
      answer: z.object({ id: z.string() }),
      make: () => Promise.reject(taken),
      head: (_, made) => void shown.push(made),
    });
    return { headers, shown };
  }

  it('gives the response of the other', async () => {
    expect(await ask([null, '{"id":"theirs"}'])).toEqual({
      headers: expect.objectContaining({ 'idempotent-replayed': 'true' }),
      shown: [{ id: 'theirs' }],
    });
  });

  it('fails with the error of the creation if there is no such response', async () => {
    await expect(ask([null, null])).rejects.toBe(taken);
  });
});
