/** Named cuts of a ranking: validation, versions, pages, exports, look-ups and differences. */
import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../fixture/json-lines.ts';
import { importUsers, OK_BODY, openFixture, SEEDS, USER_IDS } from '../fixture.ts';

const fixture = await openFixture(await importUsers(), { streamChunkRows: 7 });
const candidates = USER_IDS.filter((user) => !SEEDS.includes(user));
/** The audience has 50 users. 300 users are in the population, of whom 280 are candidates. */
const CUTS = [
  { name: 'inner', from_size: 0, to_size: 10 },
  { name: 'ring', from_percent: 10, to_percent: 20 },
  { name: 'beyond', from_percent: 95, to_percent: 100 },
];
const id = await fixture.createReady({ ...OK_BODY, cuts: CUTS });
const campaign = `/v1/campaigns/${id}`;

const get = (path: string, headers: Record<string, string> = {}) => fixture.call('GET', path, undefined, headers);
const idsOf = (items: readonly { readonly user_id: string }[]) => items.map(({ user_id }) => user_id);

describe('cuts of a campaign', () => {
  it('are shown as given, and as sizes in each version', async () => {
    expect((await get(campaign)).json.cuts).toEqual(CUTS);
    const [version] = (await get(`${campaign}/audiences`)).json.items;
    expect(version.cuts).toEqual([
      { name: 'inner', from_size: 0, to_size: 10, size: 10 },
      { name: 'ring', from_size: 30, to_size: 60, size: 30 },
      { name: 'beyond', from_size: 280, to_size: 280, size: 0 },
    ]);
  });

  it.each([
    [[{ name: 'a', from_percent: 2, to_percent: 1 }], '/cuts/0'],
    [[{ name: 'a', from_percent: 2, to_percent: 2 }], '/cuts/0'],
    [[{ name: 'a', from_percent: 2, to_size: 20 }], '/cuts/0'],
    [[{ name: 'a', to_size: 20 }], '/cuts/0'],
    [[{ name: 'a', from_percent: 1, to_percent: 101 }], '/cuts/0/to_percent'],
    [[{ name: '1', from_size: 0, to_size: 1 }], '/cuts/0/name'],
    [[CUTS[0], CUTS[0]], '/cuts'],
    [Array.from({ length: 21 }, (_, i) => ({ ...CUTS[0], name: `a${i}` })), '/cuts'],
  ])('are refused: %j', async (cuts, pointer) => {
    const { status, json } = await fixture.call('PATCH', campaign, { cuts });
    expect([status, json.code, json.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
  });
});

describe('GET /v1/users/{user_id}/audiences', () => {
  it.each([
    [9, ['inner']],
    [29, []],
    [30, ['ring']],
  ])('names the cuts that contain the user at the 0-based rank %i', async (at, names) => {
    const { json } = await get(`/v1/users/${encodeURIComponent(candidates[at]!)}/audiences`);
    expect(json.items).toMatchObject([{ campaign_id: id, rank: at + 1, cuts: names }]);
  });
});

describe('?cut=', () => {
  it('pages through the users of a ring, who keep their ranks', async () => {
    const first = (await get(`${campaign}/audience?cut=ring&limit=20`)).json;
    expect(first).toMatchObject({ size: 30, version: 1 });
    const rest = (await get(`${campaign}/audience?cursor=${first.next_cursor}`)).json;
    expect(rest).toMatchObject({ size: 30, next_cursor: null });
    expect(idsOf([...first.items, ...rest.items])).toEqual(candidates.slice(30, 60));
    expect(first.items[0].rank).toBe(31);
    expect((await get(`${campaign}/audience?cut=beyond`)).json).toMatchObject({ items: [], size: 0 });
  });

  it('exports a ring of a version', async () => {
    const { text, headers } = await get(`${campaign}/audiences/1?cut=ring`, { accept: 'application/x-ndjson' });
    const items = jsonLines(text);
    expect(idsOf(items)).toEqual(candidates.slice(30, 60));
    expect(headers['x-audience-size']).toBe('30');
  });

  it('looks users up in a ring, also outside of the audience', async () => {
    const users = [29, 30, 59, 60].map((i) => candidates[i]!);
    const batch = await fixture.call('POST', `${campaign}/audience/members/batch`, { user_ids: users, cut: 'ring' });
    expect(batch.json.items.map(({ member, rank }: never) => [member, rank])).toEqual([
      [false, undefined],
      [true, 31],
      [true, 60],
      [false, undefined],
    ]);
    const look = async (user: string) =>
      (await get(`${campaign}/audience/members/${encodeURIComponent(user)}?cut=inner`)).json.member;
    expect([await look(candidates[9]!), await look(candidates[10]!)]).toEqual([true, false]);
  });

  it.each([
    ['audience?cut=none', 404, 'cut_not_found'],
    ['audience/members/person-40?cut=none', 404, 'cut_not_found'],
    ['audiences/1/diff/1?cut=none', 404, 'cut_not_found'],
    ['audience?cut=ring&size=5', 400, 'invalid_request'],
  ])('is refused: %s', async (path, status, code) => {
    const { status: actual, json } = await get(`${campaign}/${path}`);
    expect([actual, json.code]).toEqual([status, code]);
  });

  it('refuses a cursor of another cut', async () => {
    const { json } = await get(`${campaign}/audience?cut=ring&limit=5`);
    const other = await get(`${campaign}/audience?cut=inner&cursor=${json.next_cursor}`);
    expect([other.status, other.json.code]).toEqual([400, 'invalid_cursor']);
  });

  it('reads the new cuts after a change, and compares them with the old', async () => {
    const cuts = [{ name: 'ring', from_size: 40, to_size: 45 }];
    const changed = await fixture.call('PATCH', campaign, { cuts });
    expect(changed.json).toMatchObject({ audience_version: 2, size: 50, needs_expansion: false, cuts });
    expect((await fixture.call('PATCH', campaign, { cuts })).json.audience_version).toBe(2);
    expect(idsOf((await get(`${campaign}/audience?cut=ring`)).json.items)).toEqual(candidates.slice(40, 45));
    expect((await get(`${campaign}/audiences/1?cut=inner`)).json.size).toBe(10);
    const diff = `${campaign}/audiences/1/diff/2?cut=ring`;
    expect((await get(diff)).json).toEqual({ from: 1, to: 2, added: 0, removed: 25, kept: 5 });
    const { text } = await get(diff, { accept: 'text/csv' });
    expect(text.trim().split('\r\n').length).toBe(26);
  });
});
