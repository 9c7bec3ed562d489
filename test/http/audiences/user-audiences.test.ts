/** Look-ups whose members are in memory answer as those that read files: alone, in batches, pages, and by user. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';

const SIZES = [1, 5, 30, 60, 280];
const USERS = [...USER_IDS.slice(0, 12), 'person-40', 'person-293', 'person-3'];
/** Each a use. */
const BATCH = { user_ids: Array.from({ length: 1000 }, (_, i) => USER_IDS[i % USER_IDS.length]!) };

const population = await importUsers();
const fixture = await openFixture(population, {}, { rankings: { openRankings: 8, memoryBytes: 100_000 } });
const ids: string[] = [];
for (const size of SIZES) ids.push(await fixture.createReady({ ...OK_BODY, audience: { size } }));

const get = async (path: string) => (await fixture.call('GET', path)).json;
const askBatch = async (id: string) =>
  (await fixture.call('POST', `/v1/campaigns/${id}/audience/members/batch`, BATCH)).json;

/** All requests about the users. */
async function answers(): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const user of USERS.map(encodeURIComponent)) {
    const whole = await get(`/v1/users/${user}/audiences`);
    const first = await get(`/v1/users/${user}/audiences?limit=2`);
    all.push(whole, first, first.next_cursor && (await get(`/v1/users/${user}/audiences?cursor=${first.next_cursor}`)));
    for (const id of ids) all.push(await get(`/v1/campaigns/${id}/audience/members/${user}`));
  }
  for (const id of ids) all.push(await askBatch(id), await get(`/v1/campaigns/${id}/audience`));
  return all;
}

describe('members in memory', () => {
  it('give the answers that their files gave, also of a version that is new or taken back', async () => {
    const fromFiles = await answers();
    expect(fromFiles[0]).toMatchObject({ items: SIZES.map(() => ({ version: 1 })), next_cursor: null });
    for (let round = 0; round < 8; round++) for (const id of ids) await askBatch(id);
    expect(await answers()).toEqual(fromFiles);
    const changed = await fixture.call('PATCH', `/v1/campaigns/${ids[4]}`, { audience: { size: 2 } });
    expect(changed.status).toBe(200);
    const third = encodeURIComponent(USER_IDS[2]!);
    expect(await get(`/v1/campaigns/${ids[4]}/audience/members/${third}`)).toEqual({ member: false, known: true });
    for (let round = 0; round < 8; round++) for (const id of ids) await askBatch(id);
    expect((await get(`/v1/users/${third}/audiences`)).items).toHaveLength(3);
    await fixture.store.activate(ids[4]!, 1);
    expect((await get(`/v1/users/${third}/audiences`)).items).toHaveLength(4);
    expect(await answers()).toEqual(fromFiles);
  });
});
