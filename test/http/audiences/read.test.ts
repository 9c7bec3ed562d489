import { describe, expect, it } from 'vitest';
import { encodeMembers } from '../../../src/http/audiences/view.ts';
import { importUsers, ODD_IDS, OK_BODY, openFixture, SEEDS, scoreOf, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population, { streamChunkRows: 7 });
const id = await fixture.createReady();
const queuedId = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;

const get = (path: string, accept?: string) =>
  fixture.call('GET', path, undefined, accept === undefined ? {} : { accept });
const member = (user: string) => get(`/v1/campaigns/${id}/audience/members/${encodeURIComponent(user)}`);

const CANDIDATES = USER_IDS.length - SEEDS.length;

/** Scores fall with the user number, and seeds have no rank: the audience is known. */
function expectedItems(size = 50): { rank: number; user_id: string; score: number; percentile: number }[] {
  return USER_IDS.map((user_id) => ({ user_id, score: scoreOf(population.directory.find(user_id)) }))
    .filter(({ user_id }) => !SEEDS.includes(user_id))
    .sort((a, b) => b.score - a.score)
    .slice(0, size)
    .map((item, i) => ({ rank: i + 1, ...item, percentile: (100 * (CANDIDATES - i)) / CANDIDATES }));
}

describe('GET /v1/campaigns/{id}/audience', () => {
  it('returns pages whose cursors lead to every member once', async () => {
    const items = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const answer = await get(`/v1/campaigns/${id}/audience?limit=15${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({ size: 50, candidates: CANDIDATES, version: 1 });
      items.push(...answer.json.items);
      cursor = answer.json.next_cursor;
      pages += 1;
    } while (cursor !== null);
    expect(pages).toBe(4);
    expect(items).toEqual(expectedItems());
  });

  it('begins a page behind any rank, and goes on from there', async () => {
    const page = await get(`/v1/campaigns/${id}/audience?after_rank=30&limit=15`);
    expect(page.json.items).toEqual(expectedItems().slice(30, 45));
    const rest = await get(`/v1/campaigns/${id}/audience?cursor=${page.json.next_cursor}`);
    expect(rest.json.items).toEqual(expectedItems().slice(45));
    const fixed = await get(`/v1/campaigns/${id}/audiences/1?after_rank=48`, 'application/x-ndjson');
    expect(fixed.text.trimEnd().split('\n')).toHaveLength(2);
    const behind = await get(`/v1/campaigns/${id}/audience?after_rank=1000000`);
    expect(behind.json).toMatchObject({ items: [], next_cursor: null, size: 50 });
    const both = await get(`/v1/campaigns/${id}/audience?after_rank=1&cursor=${page.json.next_cursor}`);
    expect(both.json).toMatchObject({ code: 'invalid_request', errors: [{ pointer: 'after_rank' }] });
    expect((await get(`/v1/campaigns/${id}/audience?after_rank=-1`)).status).toBe(400);
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
    expect(answer.text.startsWith('rank,user_id,score,percentile\r\n')).toBe(true);
    expect(parseCsv(answer.text).slice(1)).toEqual(
      expectedItems().map(({ rank, user_id, score, percentile }) => [
        String(rank),
        user_id,
        String(score),
        String(percentile),
      ]),
    );
    expect(answer.text).toContain('"say ""hi"""');
  });

  it.each(['application/x-ndjson', 'text/csv'])('returns a page of %s when a limit is given', async (type) => {
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

  it.each([
    ['nonsense', () => '%00nonsense'],
    ['one of another campaign', () => encodeMembers(queuedId, { audienceVersion: 1, size: 50, afterRank: 5 })],
    ['one behind the end', () => encodeMembers(id, { audienceVersion: 1, size: 50, afterRank: 51 })],
    ['one of a version that never was', () => encodeMembers(id, { audienceVersion: 7, size: 50, afterRank: 5 })],
  ])('refuses %s as a cursor', async (_name, cursor) => {
    const answer = await get(`/v1/campaigns/${id}/audience?cursor=${cursor()}`);
    const expected = _name.includes('version that never was')
      ? { status: 404, code: 'audience_not_found' }
      : { status: 400, code: 'invalid_cursor' };
    expect({ status: answer.status, code: answer.json.code }).toEqual(expected);
  });
});

describe('a cut of GET /v1/campaigns/{id}/audience', () => {
  const read = async (query: string) => (await get(`/v1/campaigns/${id}/audience?${query}`)).json;

  it.each([
    ['size=7', 7],
    ['size=280', CANDIDATES],
    ['percent=10', 30],
    ['min_score=0', CANDIDATES],
    ['min_score=2', 0],
    // numbers 6 to 25 are the seeds
    [`min_score=${scoreOf(8)}`, 6],
    [`min_score=${scoreOf(26)}`, 7],
  ])('of %s has the best %i, of the same ranking', async (query, size) => {
    const answer = await read(query);
    expect(answer).toMatchObject({ size, candidates: CANDIDATES, version: 1, next_cursor: null });
    expect(answer.items).toEqual(expectedItems(size));
  });

  it('of min_score holds everybody from that score on, and nobody below', async () => {
    for (const { score, rank } of expectedItems(12)) {
      expect((await read(`min_score=${score}`)).size).toBe(rank);
      expect((await read(`min_score=${score + 1e-7}`)).size).toBe(rank - 1);
    }
  });

  it.each(['size=23', 'percent=5.5', `min_score=${scoreOf(40)}`])('of %s stays while pages are read', async (cut) => {
    const first = await read(`${cut}&limit=5`);
    const items = [...first.items];
    for (let cursor = first.next_cursor; cursor !== null; ) {
      // with the cut beside the cursor, as a client that repeats its query, and without
      const page = await read(`${items.length % 2 === 0 ? '' : `${cut}&`}limit=5&cursor=${cursor}`);
      expect(page.size).toBe(first.size);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(items).toEqual(expectedItems(first.size));
  });

  it('cuts streams as it cuts pages, and says where in headers', async () => {
    const answer = await get(`/v1/campaigns/${id}/audience?size=60`, 'application/x-ndjson');
    expect(answer.text.trimEnd().split('\n')).toHaveLength(60);
    expect(answer.headers).toMatchObject({ 'x-audience-size': '60', 'x-audience-candidates': '280' });
    expect((await get(`/v1/campaigns/${id}/audience?min_score=2`, 'text/csv')).text).toBe(
      'rank,user_id,score,percentile\r\n',
    );
    expect((await get(`/v1/campaigns/${id}/audience?min_score=2`, 'application/x-ndjson')).text).toBe('');
  });

  it('refuses a cut beside a cursor of another', async () => {
    const { next_cursor: cursor } = await read('size=20&limit=5');
    const answer = await get(`/v1/campaigns/${id}/audience?size=21&cursor=${cursor}`);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_cursor']);
  });

  it.each([
    ['min_score=NaN', { pointer: 'min_score', value: 'NaN' }],
    ['size=5&percent=5', { pointer: 'percent' }],
  ])('refuses %s', async (query, error) => {
    const answer = await get(`/v1/campaigns/${id}/audience?${query}`);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.errors[0]).toMatchObject(error);
  });
});

describe('POST /v1/campaigns/{id}/audience/members/batch', () => {
  const ask = (body: unknown, campaign = id) =>
    fixture.call('POST', `/v1/campaigns/${campaign}/audience/members/batch`, body);

  it('answers each id in order: members, seeds, users behind the cut, nobody, and repetitions', async () => {
    const [first, last] = [expectedItems()[0]!, expectedItems()[49]!];
    const userIds = ['nobody', last.user_id, 'person-3', first.user_id, 'person-290', first.user_id, ...ODD_IDS];
    const answer = await ask({ user_ids: userIds });
    expect(answer.status).toBe(200);
    expect(answer.json.version).toBe(1);
    const members = new Map(expectedItems().map((item) => [item.user_id, item]));
    expect(answer.json.items).toEqual(
      userIds.map((user_id) =>
        members.has(user_id)
          ? { member: true, known: true, ...members.get(user_id) }
          : user_id === 'nobody'
            ? { user_id, member: false, known: false, code: 'user_not_found' }
            : { user_id, member: false, known: true },
      ),
    );
  });

  it('says the same as one look-up each', async () => {
    const answer = await ask({ user_ids: USER_IDS });
    for (const [i, { user_id: _, ...membership }] of answer.json.items.entries()) {
      expect(membership.known).toBe(true);
      if (i % 10 === 0) expect((await member(USER_IDS[i]!)).json).toEqual(membership);
    }
  });

  it.each<[string, unknown, object]>([
    ['1,001 ids', { user_ids: Array(1001).fill('u') }, { pointer: '/user_ids', limit: 1000 }],
    ['an id that is too long', { user_ids: ['é'.repeat(129)] }, { pointer: '/user_ids/0', limit: 256 }],
  ])('refuses %s', async (_name, body, error) => {
    const answer = await ask(body);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.errors[0]).toMatchObject(error);
  });

  it('is not a user of that name when it is read', async () => {
    expect((await member('batch')).json.code).toBe('user_not_found');
    const answer = await fixture.call('DELETE', `/v1/campaigns/${id}/audience/members/batch`);
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
  });

  it('answers 404 for an unknown campaign and 409 before the first audience', async () => {
    expect((await ask({ user_ids: ['a'] }, 'none')).json.code).toBe('campaign_not_found');
    expect((await ask({ user_ids: ['a'] }, queuedId)).json.code).toBe('audience_not_ready');
  });
});

describe('GET /v1/campaigns/{id}/audience/members/{user_id}', () => {
  it('knows every member, with the rank and score of the audience', async () => {
    for (const item of expectedItems()) {
      const answer = await member(item.user_id);
      expect([answer.status, answer.json]).toEqual([
        200,
        { member: true, known: true, rank: item.rank, score: item.score, percentile: item.percentile },
      ]);
    }
    expect(expectedItems().filter(({ user_id }) => ODD_IDS.includes(user_id))).toHaveLength(ODD_IDS.length);
  });

  it('reports that a seed and a candidate beyond the cut are not members', async () => {
    expect((await member('person-3')).json).toEqual({ member: false, known: true });
    expect((await member('person-290')).json).toEqual({ member: false, known: true });
  });

  it('answers 404 for a user that is not in the population', async () => {
    const answer = await member('nobody');
    expect([answer.status, answer.json.code]).toEqual([404, 'user_not_found']);
    const batch = await fixture.call('POST', `/v1/campaigns/${id}/audience/members/batch`, { user_ids: ['nobody'] });
    const { member: isMember, known, code } = answer.json;
    expect(batch.json.items).toEqual([{ user_id: 'nobody', member: isMember, known, code }]);
    expect([isMember, known]).toEqual([false, false]);
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
