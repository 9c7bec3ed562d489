/** Routes of audience versions: list, single versions, differences, and the audiences that contain a user. */

import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../../src/domain/cursors.ts';
import { encodeMembers } from '../../../src/http/audiences/view.ts';
import { jsonLines } from '../../fixture/json-lines.ts';
import { RECEIPT } from '../../fixture/receipt.ts';
import { importUsers, openFixture, SEEDS, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population, { streamChunkRows: 7 });
/** Versions: 1, 2, 3 = the best 50, 20, 30 of one ranking, 4 = the best 30 of another, in the reverse order. */
const id = await fixture.createReady();
await fixture.store.update(id, { audience: { size: 20 } });
await fixture.store.update(id, { audience: { size: 30 } });
await fixture.store.expand(id);
await fixture.finishNext((number) => Math.fround(number / 1000));

const get = (path: string, headers: Record<string, string> = {}) => fixture.call('GET', path, undefined, headers);
const candidates = USER_IDS.filter((user) => !SEEDS.includes(user));
const best = (count: number) => candidates.slice(0, count);
const worst = (count: number) => candidates.toReversed().slice(0, count);

describe('GET /v1/campaigns/{id}/audiences', () => {
  it('lists the versions, newest first, with what they are of', async () => {
    const { json } = await get(`/v1/campaigns/${id}/audiences`);
    expect(json.next_cursor).toBeNull();
    expect(json.items.map(({ version, size, active }: never) => [version, size, active])).toEqual([
      [4, 30, true],
      [3, 30, false],
      [2, 20, false],
      [1, 50, false],
    ]);
    const [newest, , , oldest] = json.items;
    expect(newest).toMatchObject({
      candidates: 280,
      population_size: 300,
      population_version: population.version,
    });
    expect(newest.expansion_id).not.toBe(oldest.expansion_id);
    expect(newest.created_at).toMatch(/^\d{4}-.*Z$/);
  });

  it('returns pages whose cursors survive a new version', async () => {
    const first = (await get(`/v1/campaigns/${id}/audiences?limit=2`)).json;
    const rest = (await get(`/v1/campaigns/${id}/audiences?limit=2&cursor=${first.next_cursor}`)).json;
    expect([...first.items, ...rest.items].map(({ version }) => version)).toEqual([4, 3, 2, 1]);
    expect(rest.next_cursor).toBeNull();
  });

  it.each([
    ['/v1/campaigns/none/audiences', 404, 'campaign_not_found'],
    ['/v1/campaigns/ID/audiences?cursor=abc', 400, 'invalid_cursor'],
  ])('answers %s with %i %s', async (path, status, code) => {
    const answer = await get(path.replace('ID', id));
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});

describe('GET /v1/campaigns/{id}/audiences/{version}/receipt', () => {
  it('gives the receipt, and the key that signs receipts without the private key', async () => {
    const { status, json } = await get(`/v1/campaigns/${id}/audiences/2/receipt`);
    expect([status, json]).toEqual([200, RECEIPT]);
    const key = await get('/v1/receipts/key');
    expect(Object.keys(key.json)).toEqual(['key_id', 'algorithm', 'public_key', 'created_at']);
    expect(key.text).not.toContain('PRIVATE');
  });

  it.each([
    ['none', '1', 404, 'campaign_not_found'],
    ['ID', '9', 404, 'audience_not_found'],
  ])('answers /v1/campaigns/%s/audiences/%s/receipt with %i %s', async (campaign, version, status, code) => {
    const answer = await get(`/v1/campaigns/${campaign.replace('ID', id)}/audiences/${version}/receipt`);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});

describe('GET /v1/campaigns/{id}/audiences/{version}', () => {
  it('gives each version, whichever is active', async () => {
    for (const [version, members] of [
      [1, best(50)],
      [2, best(20)],
      [4, worst(30)],
    ] as const) {
      const { json } = await get(`/v1/campaigns/${id}/audiences/${version}`);
      expect(json).toMatchObject({ version, size: members.length, candidates: 280 });
      expect(json.items.map(({ user_id }: never) => user_id)).toEqual(members);
    }
    expect((await get(`/v1/campaigns/${id}/audience`)).json.version).toBe(4);
  });

  it('cuts and pages as the active audience does, and keeps cursors to their version', async () => {
    const path = `/v1/campaigns/${id}/audiences/2`;
    const { json } = await get(`${path}?size=25&limit=20`);
    const rest = (await get(`${path}?cursor=${json.next_cursor}`)).json;
    expect([...json.items, ...rest.items].map(({ user_id }) => user_id)).toEqual(best(25));
    const other = await get(`/v1/campaigns/${id}/audiences/1?cursor=${json.next_cursor}`);
    expect([other.status, other.json.code]).toEqual([400, 'invalid_cursor']);
    const behind = encodeMembers(id, { audienceVersion: 2, size: 281, afterRank: 5 });
    expect((await get(`${path}?cursor=${behind}`)).json.code).toBe('invalid_cursor');
  });

  it.each(['application/json', 'application/x-ndjson', 'text/csv', 'application/vnd.apache.parquet'])(
    'may be kept as %s, and is not sent again to who has it',
    async (accept) => {
      const path = `/v1/campaigns/${id}/audiences/1`;
      const { headers } = await get(path, { accept });
      expect(headers['cache-control']).toBe('private, no-cache');
      expect(headers['etag']).toMatch(/^"[^"]+"$/);
      const again = await get(path, { accept, 'if-none-match': `"other", ${headers['etag']}` });
      expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', headers['etag']]);
      expect(again.headers['cache-control']).toBe(headers['cache-control']);
      expect((await get(path, { accept, 'if-none-match': '"other"' })).status).toBe(200);
    },
  );

  it('has another ETag for each version, type and coding', async () => {
    const tags = new Set<unknown>();
    for (const version of [1, 2]) {
      for (const accept of ['application/json', 'application/x-ndjson', 'text/csv', 'application/vnd.apache.parquet']) {
        for (const coding of ['identity', 'gzip']) {
          tags.add(
            (await get(`/v1/campaigns/${id}/audiences/${version}`, { accept, 'accept-encoding': coding })).headers[
              'etag'
            ],
          );
        }
      }
    }
    // Parquet is never coded
    expect(tags.size).toBe(14);
  });

  it('has to be asked for each time where it is the active one', async () => {
    const { headers } = await get(`/v1/campaigns/${id}/audience`);
    expect(headers['cache-control']).toBe('private, no-cache');
    const tag = { 'if-none-match': String(headers['etag']) };
    expect((await get(`/v1/campaigns/${id}/audience`, tag)).status).toBe(304);
    await fixture.store.activate(id, 1);
    const changed = await get(`/v1/campaigns/${id}/audience`, tag);
    expect([changed.status, changed.json.version]).toEqual([200, 1]);
    await fixture.store.activate(id, 4);
    expect((await get(`/v1/campaigns/${id}/audience`, tag)).status).toBe(304);
  });

  it.each([
    ['/v1/campaigns/none/audiences/1', 404, 'campaign_not_found'],
    ['/v1/campaigns/ID/audiences/5', 404, 'audience_not_found'],
    ['/v1/campaigns/ID/audiences/0', 400, 'invalid_request'],
    ['/v1/campaigns/ID/audiences/99999999999', 400, 'invalid_request'],
  ])('answers %s with %i %s, which may not be kept', async (path, status, code) => {
    const answer = await get(path.replace('ID', id));
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect([answer.headers['cache-control'], answer.headers['etag']]).toEqual([undefined, undefined]);
  });
});

describe('GET /v1/campaigns/{id}/audiences/{from}/diff/{to}', () => {
  const path = (a: number, b: number) => `/v1/campaigns/${id}/audiences/${a}/diff/${b}`;
  const changes = (removed: readonly string[], added: readonly string[]) => [
    ...removed.map((user_id) => ({ change: 'removed', user_id })),
    ...added.map((user_id) => ({ change: 'added', user_id })),
  ];

  it.each([
    [1, 2, { added: 0, removed: 30, kept: 20 }],
    [2, 1, { added: 30, removed: 0, kept: 20 }],
    [1, 4, { added: 30, removed: 50, kept: 0 }],
    [3, 3, { added: 0, removed: 0, kept: 30 }],
  ])('counts from %i to %i', async (a, b, counts) => {
    const answer = await get(path(a, b));
    expect(answer.json).toEqual({ from: a, to: b, ...counts });
    expect(answer.headers['cache-control']).toBe('private, no-cache');
    const again = await get(path(a, b), { 'if-none-match': String(answer.headers['etag']) });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('streams who was removed and who was added, each in rank order', async () => {
    const lines = async (a: number, b: number) => {
      const { text, type } = await get(path(a, b), { accept: 'application/x-ndjson' });
      expect(type).toBe('application/x-ndjson; charset=utf-8');
      return text === '' ? [] : jsonLines(text);
    };
    expect(await lines(1, 4)).toEqual(changes(best(50), worst(30)));
    expect(await lines(1, 2)).toEqual(changes(best(50).slice(20), []));
    expect(await lines(3, 3)).toEqual([]);
  });

  it('streams CSV', async () => {
    const { text } = await get(path(4, 2), { accept: 'text/csv' });
    const rows = text.split('\r\n');
    expect(rows[0]).toBe('change,user_id');
    expect(rows).toContain('added,"say ""hi"""');
    expect(rows[1]).toBe(`removed,${worst(1)[0]}`);
  });

  it.each([
    ['/v1/campaigns/none/audiences/1/diff/2', 404, 'campaign_not_found'],
    ['/v1/campaigns/ID/audiences/1/diff/9', 404, 'audience_not_found'],
    ['/v1/campaigns/ID/audiences/0/diff/1', 400, 'invalid_request'],
  ])('answers %s with %i %s', async (wrong, status, code) => {
    const answer = await get(wrong.replace('ID', id));
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});

describe('GET /v1/users/{user_id}/audiences', () => {
  const ask = (user: string, query = '') => get(`/v1/users/${encodeURIComponent(user)}/audiences${query}`);

  it('is of active versions only', async () => {
    const of = async (user: string) =>
      (await ask(user)).json.items
        .filter(({ campaign_id }: never) => campaign_id === id)
        .map(({ version }: never) => version);
    expect([await of(best(1)[0]!), await of(worst(1)[0]!)]).toEqual([[], [4]]);
    await fixture.store.activate(id, 2);
    expect([await of(best(1)[0]!), await of(worst(1)[0]!)]).toEqual([[2], []]);
    await fixture.store.activate(id, 4);
  });

  it('returns pages that lead to each once, also when a campaign goes in between', async () => {
    const own = await openFixture(population);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await own.createReady());
    ids.sort();
    const user = encodeURIComponent(best(1)[0]!);
    const first = (await own.call('GET', `/v1/users/${user}/audiences?limit=2`)).json;
    expect(first.items.map(({ campaign_id }: never) => campaign_id)).toEqual(ids.slice(0, 2));
    await own.store.delete(ids[1]!);
    const rest = (await own.call('GET', `/v1/users/${user}/audiences?limit=3&cursor=${first.next_cursor}`)).json;
    expect(rest.items.map(({ campaign_id }: never) => campaign_id)).toEqual(ids.slice(2));
    expect(rest.next_cursor).toBeNull();
  });

  it.each([
    ['/v1/users/nobody/audiences', 404, 'user_not_found'],
    ['/v1/users/person-1/audiences?cursor=%00', 400, 'invalid_cursor'],
    [`/v1/users/person-1/audiences?cursor=${encodeCursor('user_audiences', 'zzz')}`, 200, undefined],
  ])('answers %s with %i %s', async (path, status, code) => {
    const answer = await get(path);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });
});
