/**
 * A node of a cluster whose database does not answer: look-ups from memory for a minute, no changes, and then nothing.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster, Outage } from '../../../src/domain/ports/cluster.ts';
import { SOLE_LEADER } from '../../../src/domain/ports/leader.ts';
import { DEFAULT_SERVER_LIMITS } from '../../../src/http/limits.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../fixture.ts';

const MOST_MS = DEFAULT_SERVER_LIMITS.maximumOutageMs;

let fixture: Fixture;
let outage: Outage | null;
let id: string;
const population = await importUsers();
beforeEach(async () => {
  outage = null;
  // only what the server reads of it
  const cluster = { leadership: SOLE_LEADER, outage: () => outage } as unknown as Cluster;
  fixture = await openFixture(population, {}, { cluster });
  id = await fixture.createReady();
});

const lose = (ms: number) => {
  outage = { ms, reason: 'the database does not answer' };
};
const lookUps = () =>
  [
    ['GET', `/v1/campaigns/${id}/audience?limit=3`, undefined],
    ['GET', `/v1/campaigns/${id}/audience/members/person-30`, undefined],
    ['POST', `/v1/campaigns/${id}/audience/members/batch`, { user_ids: ['person-30', 'nobody'] }],
    ['GET', '/v1/users/person-30/audiences', undefined],
  ] as const;
const call = ([method, url, body]: ReturnType<typeof lookUps>[number]) => fixture.call(method, url, body);

describe('without an outage', () => {
  it('no header says that something is stale', async () => {
    for (const one of lookUps()) expect((await call(one)).headers).not.toHaveProperty('x-stale-seconds');
    expect((await fixture.call('GET', '/readyz')).json.status).toBe('ready');
  });
});

describe('during an outage', () => {
  it('look-ups are answered as before, and say for how long the database has not answered', async () => {
    const before = await Promise.all(lookUps().map(call));
    lose(MOST_MS - 1);
    for (const [i, one] of lookUps().entries()) {
      const { status, text, headers } = await call(one);
      expect([status, text]).toEqual([200, before[i]!.text]);
      expect(String(headers['x-stale-seconds'])).toBe('60');
    }
  });

  it('changes are refused, and leave nothing behind', async () => {
    lose(2_500);
    const changes = [
      ['POST', '/v1/campaigns', OK_BODY],
      ['PATCH', `/v1/campaigns/${id}`, { name: 'other' }],
      ['PUT', `/v1/campaigns/${id}/audience`, { version: 1 }],
      ['DELETE', `/v1/campaigns/${id}`, undefined],
      ['POST', `/v1/campaigns/${id}/expansions`, undefined],
      ['DELETE', '/v1/users/person-30', undefined],
    ] as const;
    for (const [method, url, body] of changes) {
      const { status, json, type, headers } = await fixture.call(method, url, body);
      expect([method, url, status, type, json.code]).toEqual([
        ...[method, url, 503, 'application/problem+json; charset=utf-8', 'unavailable'],
      ]);
      expect(String(headers['retry-after'])).toBe('2');
      expect(json.detail).toBe('the database has not answered for 3 s: nothing can be changed');
    }
    outage = null;
    const { json } = await fixture.call('GET', '/v1/campaigns');
    expect(json.items.map((one: { name: string }) => one.name)).toEqual([OK_BODY.name]);
  });

  it('the node is degraded but stays ready, so that it gets look-ups', async () => {
    lose(12_000);
    const { status, json } = await fixture.call('GET', '/readyz');
    expect([status, json.status]).toEqual([200, 'degraded']);
    expect(json.parts.find(({ name }: { name: string }) => name === 'store')).toEqual({
      ...{ name: 'store', ready: true, degraded: true },
      detail: expect.stringMatching(/^no answer for 12 s .* at most 60 s$/),
    });
  });

  it('nothing is answered after the limit, and everything once the database answers', async () => {
    lose(MOST_MS);
    for (const one of lookUps()) expect((await call(one)).status).toBe(503);
    expect((await fixture.call('GET', '/readyz')).status).toBe(503);
    expect((await fixture.call('GET', '/livez')).status).toBe(200);
    outage = null;
    for (const one of lookUps()) expect((await call(one)).status).toBe(200);
    expect((await fixture.call('PATCH', `/v1/campaigns/${id}`, { name: 'other' })).status).toBe(200);
  });
});
