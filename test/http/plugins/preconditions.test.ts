/** If-Match by route: supported or refused, never ignored. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openContract } from '../../fixture/api-document.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population);
answerLater(fixture.store, 'get');
answerLater(fixture.store.webhooks, 'get');

/** Makes a method of the store answer some turns of the event loop later, as a store over a network does. */
function answerLater<K extends string>(part: { [P in K]: (id: string) => Promise<unknown> }, name: K): void {
  const method = part[name].bind(part);
  part[name] = async (id) => {
    const found = await method(id);
    for (let turns = 0; turns < 5; turns++) await turn();
    return found;
  };
}

type Method = Parameters<Fixture['call']>[0];
const OLD = '"an-old-tag"';

/** Without seeds: nothing is queued before the expansions that tests finish. */
const makeCampaign = async () =>
  (await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, seeds: null })).json.id as string;

/** How to create the resource, read its ETag, and change it. */
const CHANGES = [
  {
    name: 'PATCH /v1/campaigns/{id}',
    make: makeCampaign,
    path: (id: string) => `/v1/campaigns/${id}`,
    method: 'PATCH' as Method,
    body: { name: 'winter shoes' },
  },
  {
    name: 'DELETE /v1/campaigns/{id}',
    make: makeCampaign,
    path: (id: string) => `/v1/campaigns/${id}`,
    method: 'DELETE' as Method,
    body: undefined,
  },
  {
    name: 'PATCH /v1/webhooks/{id}',
    make: async () => (await fixture.call('POST', '/v1/webhooks', { url: 'https://example.com/' })).json.id as string,
    path: (id: string) => `/v1/webhooks/${id}`,
    method: 'PATCH' as Method,
    body: { description: 'x' },
  },
  {
    name: 'PATCH /v1/destinations/{id}',
    make: async () => {
      const place = { kind: 's3', bucket: 'audiences' };
      return (await fixture.call('POST', '/v1/destinations', { name: 'x', ...place })).json.id as string;
    },
    path: (id: string) => `/v1/destinations/${id}`,
    method: 'PATCH' as Method,
    body: { name: 'y' },
  },
  {
    name: 'PUT /v1/campaigns/{id}/audience',
    make: async () => {
      const id = await fixture.createReady();
      await fixture.call('PATCH', `/v1/campaigns/${id}`, { audience: { size: 1 } });
      return id;
    },
    path: (id: string) => `/v1/campaigns/${id}/audience`,
    method: 'PUT' as Method,
    body: { version: 1 },
  },
];

describe.each(CHANGES)('$name', ({ make, path, method, body }) => {
  it('goes through with the ETag that was read, and with *', async () => {
    for (const any of [false, true]) {
      const url = path(await make());
      const { headers } = await fixture.call('GET', url);
      const ifMatch = any ? '*' : `${OLD}, ${String(headers['etag'])}`;
      expect((await fixture.call(method, url, body, { 'if-match': ifMatch })).status).toBeLessThan(300);
    }
  });

  it('is 412 with another, or a weak one, and changes nothing', async () => {
    const url = path(await make());
    const before = await fixture.call('GET', url);
    for (const ifMatch of [OLD, `W/${String(before.headers['etag'])}`]) {
      const { status, json } = await fixture.call(method, url, body, { 'if-match': ifMatch });
      expect([status, json.code, json.errors[0].pointer]).toEqual([412, 'precondition_failed', 'if-match']);
    }
    expect((await fixture.call('GET', url)).text).toBe(before.text);
  });

  it('is made by exactly one of two concurrent callers who read the same', async () => {
    const url = path(await make());
    const ifMatch = String((await fixture.call('GET', url)).headers['etag']);
    const statuses = await Promise.all(
      [0, 1, 2].map(async () => (await fixture.call(method, url, body, { 'if-match': ifMatch })).status),
    );
    expect(statuses.filter((status) => status < 300)).toHaveLength(1);
  });

  it.each(['x', '"a" "b"', '"a', ''])('is 400 with what is no ETag: %j', async (ifMatch) => {
    const url = path(await make());
    expect((await fixture.call(method, url, body, { 'if-match': ifMatch })).status).toBe(400);
  });
});

describe('the ETag of a campaign', () => {
  it('changes with what PATCH changes, not with its expansion, and is in every answer that shows one', async () => {
    const created = await fixture.call('POST', '/v1/campaigns', OK_BODY);
    const url = `/v1/campaigns/${created.json.id}`;
    const tag = async () => String((await fixture.call('GET', url)).headers['etag']);
    const first = await tag();
    expect(created.headers['etag']).toBe(first);
    await fixture.finishNext();
    expect(await tag()).toBe(first);
    const patched = await fixture.call('PATCH', url, { labels: { team: 'a' } }, { 'if-match': first });
    expect(patched.headers['etag']).toBe(await tag());
    expect(await tag()).not.toBe(first);
    // of two that read the same the second is refused
    expect((await fixture.call('PATCH', url, { name: 'late' }, { 'if-match': first })).status).toBe(412);
  });
});

describe('any other route', () => {
  it('refuses If-Match, and changes other preconditions too', async () => {
    const { operations } = await openContract();
    const heeded = operations.filter(({ operation }) => operation.parameters?.some(({ name }) => name === 'if-match'));
    expect(heeded.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      CHANGES.map(({ name }) => name).sort(),
    );
    const others = operations.filter((one) => one.path.startsWith('/v1') && !heeded.includes(one));
    expect(others.length).toBeGreaterThan(40);
    for (const { method, path } of others) {
      const names = method === 'GET' ? ['if-match'] : ['if-match', 'if-none-match', 'if-unmodified-since'];
      for (const name of names) {
        const { status, json } = await fixture.call(method as Method, path.replace(/\{\w+\}/g, '1'), undefined, {
          [name]: OLD,
        });
        expect([method, path, status, json?.errors?.[0]?.pointer ?? json?.code]).toEqual([
          method,
          path,
          400,
          expect.stringMatching(new RegExp(`^${name}$`)),
        ]);
      }
    }
  });
});
