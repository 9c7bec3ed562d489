/** Routes of an audience: pages, streams, membership, and what they refuse. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/server/cursor.ts';
import {
  type Fixture,
  importUsers,
  ODD_IDS,
  OK_BODY,
  openFixture,
  type PopulationFixture,
  SEEDS,
  scoreOf,
  USER_IDS,
} from './fixture.ts';

let users: PopulationFixture;
let fixture: Fixture;
let id: string;
let queuedId: string;
beforeAll(async () => {
  users = await importUsers();
  fixture = await openFixture(users.population, { streamChunkRows: 7 });
  id = await fixture.createReady();
  queuedId = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
});
afterAll(async () => {
  await fixture.close();
  users.remove();
});

const get = (path: string, accept?: string) =>
  fixture.call('GET', path, undefined, accept === undefined ? {} : { accept });
const member = (user: string) => get(`/v1/campaigns/${id}/audience/members/${encodeURIComponent(user)}`);

/** Scores fall with the user number, and seeds are none: the audience is known. */
function expectedItems(): { rank: number; user_id: string; score: number }[] {
  return USER_IDS.map((user_id) => ({ user_id, score: scoreOf(users.population.directory.find(user_id)) }))
    .filter(({ user_id }) => !SEEDS.includes(user_id))
    .sort((a, b) => b.score - a.score)
    .slice(0, 50)
    .map((item, i) => ({ rank: i + 1, ...item }));
}

describe('GET /v1/campaigns/{id}/audience', () => {
  it('gives pages whose cursors lead to every member once', async () => {
    const items = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const answer = await get(`/v1/campaigns/${id}/audience?limit=15${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({ size: 50, version: 1 });
      items.push(...answer.json.items);
      cursor = answer.json.next_cursor;
      pages += 1;
    } while (cursor !== null);
    expect(pages).toBe(4);
    expect(items).toEqual(expectedItems());
  });

  it('gives the default page where no limit is given', async () => {
    const answer = await get(`/v1/campaigns/${id}/audience`);
    expect(answer.type).toContain('application/json');
    expect(answer.json.items).toHaveLength(50);
    expect(answer.json.next_cursor).toBeNull();
  });

  it('streams all as NDJSON', async () => {
    const answer = await get(`/v1/campaigns/${id}/audience`, 'application/x-ndjson');
    expect(answer.type).toBe('application/x-ndjson; charset=utf-8');
    const lines = answer.text.split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual(expectedItems());
    expect(answer.headers['x-audience-version']).toBe('1');
  });

  it('streams all as CSV with ids quoted where RFC 4180 wants it', async () => {
    const answer = await get(`/v1/campaigns/${id}/audience`, 'text/csv');
    expect(answer.type).toBe('text/csv; charset=utf-8');
    expect(answer.text.startsWith('rank,user_id,score\r\n')).toBe(true);
    expect(parseCsv(answer.text).slice(1)).toEqual(
      expectedItems().map(({ rank, user_id, score }) => [String(rank), user_id, String(score)]),
    );
    expect(answer.text).toContain('"say ""hi"""');
  });

  it.each(['application/x-ndjson', 'text/csv'])('gives a page of %s where a limit is given', async (type) => {
    const first = await get(`/v1/campaigns/${id}/audience?limit=20`, type);
    const rest = await get(`/v1/campaigns/${id}/audience?cursor=${first.headers['x-next-cursor']}`, type);
    expect(rest.headers['x-next-cursor']).toBeUndefined();
    const ranks = [first, rest].flatMap(({ text }) =>
      type === 'text/csv'
        ? parseCsv(text)
            .slice(1)
            .map(([rank]) => Number(rank))
        : text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line).rank),
    );
    expect(ranks).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it('answers 409 with state and Retry-After before the first audience', async () => {
    const answer = await get(`/v1/campaigns/${queuedId}/audience`);
    expect(answer.status).toBe(409);
    expect(answer.type).toContain('application/problem+json');
    expect(answer.json).toMatchObject({ code: 'audience_not_ready', state: 'queued' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('answers 404 for an unknown campaign, with a cursor too', async () => {
    const cursor = encodeCursor('nobody', { audienceVersion: 1, afterRank: 1 });
    expect((await get('/v1/campaigns/nobody/audience')).json.code).toBe('campaign_not_found');
    expect((await get(`/v1/campaigns/nobody/audience?cursor=${cursor}`)).json.code).toBe('campaign_not_found');
  });

  it.each(['image/png', 'application/json;q=0', 'text/html, application/xml'])('refuses Accept: %s', async (accept) => {
    const answer = await get(`/v1/campaigns/${id}/audience`, accept);
    expect(answer.status).toBe(406);
    expect(answer.json.code).toBe('not_acceptable');
  });

  it.each([
    ['limit=0', { pointer: 'limit', value: '0', limit: 1 }],
    ['limit=10001', { pointer: 'limit', value: '10001', limit: 10_000 }],
    ['limit=-5', { pointer: 'limit', limit: 1 }],
    ['limit=1.5', { pointer: 'limit', value: '1.5' }],
    ['page=2', { pointer: 'page', value: '2' }],
  ])('refuses %s', async (query, error) => {
    const answer = await get(`/v1/campaigns/${id}/audience?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.code).toBe('invalid_request');
    expect(answer.json.errors[0]).toMatchObject(error);
  });

  it.each([
    ['nonsense', () => '%00nonsense'],
    ['an empty one', () => ''],
    ['one of another campaign', () => encodeCursor(queuedId, { audienceVersion: 1, afterRank: 5 })],
    ['one behind the end', () => encodeCursor(id, { audienceVersion: 1, afterRank: 51 })],
    ['one of a version that never was', () => encodeCursor(id, { audienceVersion: 7, afterRank: 5 })],
  ])('refuses %s as a cursor', async (_name, cursor) => {
    const answer = await get(`/v1/campaigns/${id}/audience?cursor=${cursor()}`);
    const expected = _name.includes('version that never was')
      ? { status: 404, code: 'audience_not_found' }
      : { status: 400, code: 'invalid_cursor' };
    expect({ status: answer.status, code: answer.json.code }).toEqual(expected);
  });
});

describe('GET /v1/campaigns/{id}/audience/members/{user_id}', () => {
  it('knows every member, with the rank and score of the audience', async () => {
    for (const item of expectedItems()) {
      const answer = await member(item.user_id);
      expect([answer.status, answer.json]).toEqual([200, { member: true, rank: item.rank, score: item.score }]);
    }
    expect(expectedItems().filter(({ user_id }) => ODD_IDS.includes(user_id))).toHaveLength(ODD_IDS.length);
  });

  it('says no of a seed and of a candidate behind the cut', async () => {
    expect((await member('person-3')).json).toEqual({ member: false });
    expect((await member('person-290')).json).toEqual({ member: false });
  });

  it('answers 404 for a user that is not in the population', async () => {
    const answer = await member('nobody');
    expect([answer.status, answer.json.code]).toEqual([404, 'user_not_found']);
  });

  it('answers 404 for an unknown campaign and 409 before the first audience', async () => {
    expect((await get('/v1/campaigns/none/audience/members/person-1')).json.code).toBe('campaign_not_found');
    const early = await get(`/v1/campaigns/${queuedId}/audience/members/person-1`);
    expect([early.status, early.json.code]).toEqual([409, 'audience_not_ready']);
  });

  it('refuses an id of more than 256 bytes, however it is encoded', async () => {
    const answer = await member('é'.repeat(129));
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.errors[0]).toMatchObject({ pointer: 'user_id', limit: 256 });
  });

  it('refuses a path that is no valid encoding', async () => {
    const answer = await get(`/v1/campaigns/${id}/audience/members/%zz`);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.type).toContain('application/problem+json');
  });
});

describe('an audience whose ranking is gone', () => {
  it('is a problem of the storage that hides where its files are', async () => {
    const lost = await openFixture(users.population);
    try {
      const lostId = await lost.createReady();
      rmSync(lost.store.activeAudience(lostId).folder, { recursive: true });
      const answer = await lost.call('GET', `/v1/campaigns/${lostId}/audience`);
      expect([answer.status, answer.json.code]).toEqual([503, 'storage_failed']);
      expect(answer.text).not.toContain(lost.dataDir);
      expect(answer.json.detail).toContain(answer.json.request_id);
      expect(lost.log()).toContain(lost.dataDir);
    } finally {
      await lost.close();
    }
  });
});

/** Rows of RFC 4180 text. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    const field = quoted === undefined ? plain : quoted.replaceAll('""', '"');
    rows.at(-1)?.push(field ?? '');
    if (end === '\r\n') rows.push([]);
  }
  while (rows.at(-1)?.every((field) => field === '')) rows.pop();
  return rows;
}
