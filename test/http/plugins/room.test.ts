/** A disk with less free space than the reserve: reads and deletions continue, new work is refused. */
import { expect, it } from 'vitest';
import { importUsers, openFixture } from '../fixture.ts';

const population = await importUsers();
let free = 5_000_000;
const fixture = await openFixture(population, {}, { freeBytes: () => free });

it('refuses what would stay, with a reason and a time, and says so in /readyz', async () => {
  const id = await fixture.createReady();
  free = 999_999;
  const body = { name: 'x', features: {}, seeds: ['person-1'], audience: { size: 1 } };
  for (const [method, path] of [
    ['POST', '/v1/campaigns'],
    ['PATCH', `/v1/campaigns/${id}`],
    ['PUT', `/v1/campaigns/${id}/seeds`],
    ['POST', `/v1/campaigns/${id}/expansions`],
  ] as const) {
    const answer = await fixture.call(method, path, body);
    expect([path, answer.status, answer.json.code]).toEqual([path, 503, 'unavailable']);
    expect(answer.json).toMatchObject({ free_bytes: 999_999, reserve_bytes: 1_000_000, retry_after: 60 });
  }
  expect((await fixture.call('GET', `/v1/campaigns/${id}/audience`)).status).toBe(200);
  const batch = { user_ids: ['person-1'] };
  expect((await fixture.call('POST', `/v1/campaigns/${id}/audience/members/batch`, batch)).status).toBe(200);
  const ready = await fixture.call('GET', '/readyz');
  expect([ready.status, ready.json.parts.find(({ name }: { name: string }) => name === 'disk')]).toEqual([
    503,
    {
      name: 'disk',
      ready: false,
      detail: 'read-only: 999,999 bytes free, below the reserve of 1,000,000',
    },
  ]);
  expect((await fixture.call('GET', '/metrics')).text).toContain('metaheac_disk_low 1');
  expect((await fixture.call('DELETE', `/v1/campaigns/${id}`)).status).toBe(204);
  free = 1_000_000;
  // parts are checked at most once a second
  await expect.poll(async () => (await fixture.call('GET', '/readyz')).status, { timeout: 20_000 }).toBe(200);
});
