/** Users who are held out: no response shows that they are members, whether members are read from files or memory. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';

const BATCH = { user_ids: USER_IDS };
const population = await importUsers();
const fixture = await openFixture(population, {}, { rankings: { openRankings: 4, memoryBytes: 100_000 } });
const { json: made } = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, holdout_percent: 30 });
await fixture.finishNext();
const path = `/v1/campaigns/${made.id}`;

const get = async (suffix: string, accept = 'application/json') =>
  fixture.call('GET', `${path}${suffix}`, undefined, { accept });
const idsOf = (items: readonly { user_id: string }[]) => items.map(({ user_id: id }) => id);
const linesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const treatedOf = async (version: number) => idsOf((await get(`/audiences/${version}`)).json.items);

const treated = await treatedOf(1);

/** What each kind of request says of the active audience: the ids of its members. */
async function membersByRoute(): Promise<Record<string, readonly string[]>> {
  const { items } = (await fixture.call('POST', `${path}/audience/members/batch`, BATCH)).json;
  const alone: string[] = [];
  const byUser: string[] = [];
  for (const id of USER_IDS) {
    if ((await get(`/audience/members/${encodeURIComponent(id)}`)).json.member) alone.push(id);
    const { items: audiences } = (await fixture.call('GET', `/v1/users/${encodeURIComponent(id)}/audiences`)).json;
    if (audiences.length > 0) byUser.push(id);
  }
  return {
    page: idsOf((await get('/audience')).json.items),
    batch: idsOf(items.filter(({ member }: { member: boolean }) => member)),
    alone,
    byUser,
    ndjson: idsOf(linesOf((await get('/audience', 'application/x-ndjson')).text)),
  };
}

describe('a campaign with a hold-out', () => {
  it('shows the whole size, and on no route a user who is held out', async () => {
    expect(made.holdout_percent).toBe(30);
    expect((await get('')).json).toMatchObject({ size: 50, holdout_percent: 30 });
    expect((await get('/audiences')).json.items[0]).toMatchObject({ size: 50, holdout_percent: 30 });
    expect(treated.length).toBeGreaterThan(20);
    expect(treated.length).toBeLessThan(50);
    const fromFiles = await membersByRoute();
    for (const [route, members] of Object.entries(fromFiles))
      expect([...members].sort(), route).toEqual([...treated].sort());
    const ranks = (await get('/audience')).json.items.map(({ rank }: { rank: number }) => rank);
    expect(ranks.at(-1)).toBeGreaterThan(treated.length);
    for (let round = 0; round < 8; round++) await fixture.call('POST', `${path}/audience/members/batch`, BATCH);
    expect(await membersByRoute()).toEqual(fromFiles);
  });

  it('holds out the same users in another size, a new ranking, and of a larger share', async () => {
    await fixture.store.update(made.id, { audience: { size: 280 } });
    const all = await treatedOf(2);
    const heldOut = USER_IDS.slice(0, 70).filter((id) => !all.includes(id) && !OK_BODY.seeds.includes(id));
    expect(treated.filter((id) => !all.includes(id))).toEqual([]);
    await fixture.store.expand(made.id);
    await fixture.finishNext((number) => Math.fround(number / 1000));
    expect((await treatedOf(3)).toSorted()).toEqual(all.toSorted());
    const changed = await fixture.call('PATCH', path, { holdout_percent: 50 });
    expect(changed.json).toMatchObject({ holdout_percent: 50, size: 280, audience_version: 4 });
    const half = await treatedOf(4);
    expect(half.length).toBeLessThan(all.length);
    expect(half.filter((id) => !all.includes(id) || heldOut.includes(id))).toEqual([]);
    expect((await get('/audiences/3/diff/4')).json).toMatchObject({
      added: 0,
      removed: all.length - half.length,
      kept: half.length,
    });
    const removed = all.filter((id) => !half.includes(id));
    const listed = linesOf((await get('/audiences/3/diff/4', 'application/x-ndjson')).text);
    expect(idsOf(listed).toSorted()).toEqual(removed.toSorted());
    expect((await fixture.call('PATCH', path, { holdout_percent: 0 })).json.audience_version).toBe(5);
    expect(await treatedOf(5)).toHaveLength(280);
  });

  it.each([51, -1, '5'])('refuses the percentage %s', async (holdout_percent) => {
    const { status, json } = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, holdout_percent });
    expect([status, json.errors[0].pointer]).toEqual([400, '/holdout_percent']);
  });
});
