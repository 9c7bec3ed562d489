/** Erasing a user: removed from every response at once, while pages, streams and caches stay correct for others. */
import { describe, expect, it } from 'vitest';
import { importUsers, ODD_IDS, OK_BODY, openFixture, SEEDS, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population, { streamChunkRows: 7 });
/** Versions 1 and 2: the best 50 and 40 of one ranking; 3: the best 40 of its reverse. */
const id = await fixture.createReady();
await fixture.store.update(id, { audience: { size: 40 } });
await fixture.store.expand(id);
await fixture.finishNext((number) => Math.fround(number / 1000));

const get = (path: string, headers: Record<string, string> = {}) => fixture.call('GET', path, undefined, headers);
const erase = (userId: string) => fixture.call('DELETE', `/v1/users/${encodeURIComponent(userId)}`);
const candidates = USER_IDS.filter((user) => !SEEDS.includes(user));
const version = (number: number, query = '') => `/v1/campaigns/${id}/audiences/${number}${query}`;
const idsIn = (items: readonly { user_id: string }[]) => items.map(({ user_id }) => user_id);

async function pagesOf(path: string, limit: number): Promise<{ user_id: string; rank: number }[]> {
  const items = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { json } = await get(`${path}?limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`);
    items.push(...json.items);
    cursor = json.next_cursor;
  }
  return items;
}

describe('DELETE /v1/users/{user_id}', () => {
  it('removes the user from pages, exports, differences of every version and look-ups', async () => {
    const [first, third] = [candidates[3]!, candidates.at(-2)!];
    const tags = await Promise.all(
      [version(1), `/v1/campaigns/${id}/audience`].map(async (path) => (await get(path)).headers['etag']),
    );
    expect((await get(version(1), { 'if-none-match': String(tags[0]) })).status).toBe(304);
    for (const user of [first, third]) expect((await erase(user)).status).toBe(204);

    expect((await get(version(1), { 'if-none-match': String(tags[0]) })).status).toBe(200);
    expect((await get(`/v1/campaigns/${id}/audience`, { 'if-none-match': String(tags[1]) })).status).toBe(200);
    const whole = await get(version(1));
    expect(whole.headers['cache-control']).toBe('private, no-cache');
    const left = candidates.slice(0, 50).filter((user) => user !== first);
    expect([whole.json.size, idsIn(whole.json.items)]).toEqual([50, left]);
    for (const limit of [1, 2, 7]) {
      const items = await pagesOf(version(1), limit);
      expect(idsIn(items)).toEqual(left);
      expect(items.map(({ rank }) => rank)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1).filter((n) => n !== 4));
    }
    for (const accept of ['application/x-ndjson', 'text/csv', 'application/vnd.apache.parquet']) {
      const { text } = await get(version(1), { accept });
      expect([text.includes(first), text.includes(left[5]!)]).toEqual([false, true]);
    }
    const diff = `/v1/campaigns/${id}/audiences/2/diff/3`;
    const { text } = await get(diff, { accept: 'text/csv' });
    expect(text.split('\r\n').length).toBe(1 + 39 + 39 + 1);
    expect([text.includes(`,${first}\r`), text.includes(`,${third}\r`)]).toEqual([false, false]);
    expect((await get(diff)).json).toMatchObject({ added: 40, removed: 40, kept: 0 });

    const member = `/v1/campaigns/${id}/audience/members`;
    const gone = await get(`${member}/${encodeURIComponent(third)}`);
    expect([gone.status, gone.json.known]).toEqual([404, false]);
    const batch = await fixture.call('POST', `${member}/batch`, { user_ids: [third, candidates.at(-3)] });
    expect(batch.json.items).toMatchObject([{ member: false, known: false }, { member: true }]);
    expect((await get(`/v1/users/${encodeURIComponent(third)}/audiences`)).status).toBe(404);
  });

  it('gives the same response for erased, unknown and unusual ids, and refuses invalid ids', async () => {
    for (const user of ['never seen', 'never seen', candidates[3]!, ...ODD_IDS]) {
      const { status, text } = await erase(user);
      expect([user, status, text]).toEqual([user, 204, '']);
    }
    expect((await erase('x'.repeat(257))).status).toBe(400);
    expect((await fixture.call('DELETE', '/v1/users/a?b=1')).status).toBe(400);
    expect((await fixture.call('GET', '/v1/users/a')).status).toBe(405);
  });

  it('removes the user from seeds, lists and stored responses, and logs no id', async () => {
    const [known, unknown] = ['person-120', 'somebody-4711'];
    const key = { 'idempotency-key': 'again' };
    const body = { ...OK_BODY, seeds: [...SEEDS, known, unknown] };
    const created = await fixture.call('POST', '/v1/campaigns', body, key);
    expect(created.json.seeds).toMatchObject({ known: 21, unknown_examples: [unknown] });
    const campaign = `/v1/campaigns/${created.json.id}`;
    await fixture.call('PUT', '/v1/suppression', `${known}\nperson-5\n`, { 'content-type': 'text/plain' });
    await Promise.all([erase(known), erase(unknown), erase(unknown)]);

    expect((await get(campaign)).json.seeds).toMatchObject({
      received: 20,
      known: 20,
      unknown: 0,
      unknown_examples: [],
    });
    expect((await get(`${campaign}/seeds`)).json).toMatchObject({ users: 20, known: 20, unknown: 0, suppressed: 1 });
    expect((await get('/v1/suppression')).json).toMatchObject({ users: 1, known: 1 });
    const again = await fixture.call('POST', '/v1/campaigns', body, key);
    expect([again.json.id, again.json.seeds.unknown_examples]).toEqual([created.json.id, []]);
    expect(await fixture.store.requestedErasures(1)).toEqual([]);

    expect(fixture.log()).toMatch(/"users":\d,"sets":\d.*"msg":"users erased"/);
    for (const user of [known, unknown, 'never seen']) expect(fixture.log()).not.toContain(user);
  });

  it('refuses more erasures than may wait, and completes all that it acknowledged', async () => {
    const small = await openFixture(population, { maximumWaitingErasures: 2 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => small.call('DELETE', `/v1/users/person-${200 + i}`)),
    );
    const counts = [204, 503].map((status) => answers.filter((answer) => answer.status === status).length);
    expect(counts[0]! + counts[1]!).toBe(12);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    for (const [i, { status }] of answers.entries())
      if (status === 204) expect(population.directory.find(`person-${200 + i}`)).toBe(-1);
  });

  it('hides the user in the middle of a stream', async () => {
    const last = candidates
      .slice(0, 50)
      .filter((user) => population.directory.find(user) >= 0)
      .at(-1)!;
    const [{ text }] = await Promise.all([
      get(version(1), { accept: 'application/x-ndjson' }),
      new Promise((resolve) => setImmediate(resolve)).then(() => erase(last)),
    ]);
    expect(text.split('\n').length).toBeGreaterThan(30);
    expect((await get(version(1), { accept: 'application/x-ndjson' })).text).not.toContain(`"${last}"`);
  });
});
