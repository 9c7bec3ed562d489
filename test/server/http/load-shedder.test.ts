import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LoadShedder } from '../../../src/server/http/load-shedder.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';

const limits = { overloadLagMs: 100, overloadLookupLagMs: 400 };

/** A shedder whose loop is late by each of `lags` in turn. */
function lateBy(...lags: readonly number[]): LoadShedder {
  let now = 0;
  const shedder = new LoadShedder(limits, { elapsed: () => now });
  for (const lag of lags) {
    now += 50 + lag;
    shedder.look();
  }
  return shedder;
}

describe('the load shedder', () => {
  it('refuses nothing for one long pause, or for many short ones', () => {
    expect(lateBy(0, 5000, 200, 0, 5000).isOverloaded).toBe(false);
    expect(lateBy(...Array.from({ length: 100 }, () => 99)).isOverloaded).toBe(false);
  });

  it('refuses all but look-ups, reads and health checks where the loop stays late', () => {
    const shedder = lateBy(0, 200, 200, 200);
    expect(shedder.isOverloaded).toBe(true);
    for (const name of ['write', 'upload', 'computed', 'audience'] as const)
      expect(() => shedder.refuse(name)).toThrow(
        expect.objectContaining({ code: 'unavailable', facts: { retry_after: 2 } }),
      );
    for (const name of ['lookup', 'read', 'health'] as const) expect(() => shedder.refuse(name)).not.toThrow();
  });

  it('refuses look-ups and reads where it is later still, and health checks never', () => {
    const shedder = lateBy(0, 500, 500, 500);
    for (const name of ['lookup', 'read'] as const)
      expect(() => shedder.refuse(name)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(() => shedder.refuse('health')).not.toThrow();
  });

  it('refuses nothing as soon as the loop is in time again', () => {
    expect(lateBy(0, 500, 500, 500, 10).isOverloaded).toBe(false);
  });
});

describe('a server that more is asked of than it can answer', () => {
  /** Time passes twenty times as fast as the loop turns: each look is about 950 ms late. */
  const clock = { now: () => 1, elapsed: () => 20 * performance.now() };
  let users: Awaited<ReturnType<typeof importUsers>>;
  let fixture: Fixture;
  beforeAll(async () => {
    users = await importUsers();
    fixture = await openFixture(users.population, { overloadLookupLagMs: 60_000 }, { clock });
  });
  afterAll(async () => {
    await fixture.close();
    users.remove();
  });

  it('refuses what can wait with Retry-After, and answers look-ups', async () => {
    const write = () => fixture.call('POST', '/v1/campaigns', { name: 'late', seeds: [], audience: { size: 1 } });
    await expect.poll(async () => (await write()).status, { interval: 50 }).toBe(503);
    const refused = await write();
    expect([refused.json.code, refused.headers['retry-after']]).toEqual(['unavailable', '2']);
    const id = '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11';
    const lookup = await fixture.call('GET', `/v1/campaigns/${id}/audience/members/person-1`);
    expect([lookup.status, lookup.json.code]).toEqual([404, 'campaign_not_found']);
    expect((await fixture.call('GET', '/livez')).status).toBe(200);
  });
});
