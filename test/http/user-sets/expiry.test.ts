/** When users of suppression lists expire, over HTTP: every format, the match report, and what is refused. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const fixture = await openFixture(await importUsers(), { maximumExpiringUsers: 3 });
const TYPES = { csv: 'text/csv', ndjson: 'application/x-ndjson', json: 'application/json' } as const;
const SOON = '2098-01-01T00:00:00Z';
const LATER = '2099-01-01T02:00:00+02:00';
const put = (type: keyof typeof TYPES, body: unknown, path = '/v1/suppression') =>
  fixture.call('PUT', path, body, { 'content-type': TYPES[type] });

describe('users who expire', () => {
  it.each([
    ['csv', `user_id,expires_at\nperson-1,${LATER}\nperson-2,\nperson-3,${SOON}\n`],
    [
      'ndjson',
      `{"user_id":"person-1","expires_at":"${LATER}"}\n"person-2"\n{"user_id":"person-3","expires_at":"${SOON}"}`,
    ],
    [
      'json',
      { user_ids: [{ user_id: 'person-1', expires_at: LATER }, 'person-2', { user_id: 'person-3', expires_at: SOON }] },
    ],
  ] as const)('are taken from %s', async (type, body) => {
    const expiring = { users: 2, next_at: '2098-01-01T00:00:00.000Z' };
    expect((await put(type, body)).json).toMatchObject({ users: 3, known: 3, expiring });
    await put(type, body, `/v1/suppression?dry_run=true`);
    expect((await fixture.call('GET', '/v1/suppression')).json.expiring).toEqual(expiring);
    const removed = await fixture.call('POST', '/v1/suppression/remove', { user_ids: ['person-3'] });
    expect(removed.json.expiring).toEqual({ users: 1, next_at: '2099-01-01T00:00:00.000Z' });
  });

  it('have the last time that is sent for an id', async () => {
    const lines = [SOON, '', LATER, SOON].map((time, i) => `person-${i % 3},${time}\n`);
    expect((await put('csv', `user_id,expires_at\n${lines.join('')}person-0,\n`)).json).toMatchObject({
      users: 3,
      expiring: { users: 1, next_at: '2099-01-01T00:00:00.000Z' },
    });
  });

  it.each(['2020-01-01T00:00:00Z', '2098-01-01', 'soon', '1798761600'])(
    'are refused by line if the time is %s',
    async (time) => {
      const { status, json } = await put('csv', `user_id,expires_at\nperson-1,${SOON}\nperson-2,${time}\n`);
      expect([status, json.errors[0].pointer, json.errors[0].value]).toEqual([400, 'line 3', time]);
      const inJson = await put('json', { user_ids: ['person-1', { user_id: 'person-2', expires_at: time }] });
      expect([inJson.status, inJson.json.errors[0].pointer]).toEqual([400, '/user_ids/1']);
    },
  );

  it('are limited in number', async () => {
    const lines = [1, 2, 3, 4].map((i) => `person-${i},${SOON}\n`);
    const { status, json } = await put('csv', `user_id,expires_at\n${lines.join('')}`);
    expect([status, json.code, json.errors[0].limit]).toEqual([413, 'too_many_seeds', 3]);
  });

  it('are only in suppression lists', async () => {
    const { json: made } = await fixture.call('POST', '/v1/campaigns', OK_BODY);
    const path = `/v1/campaigns/${made.id}`;
    const body = `user_id,expires_at\nperson-1,${SOON}\n`;
    expect((await put('csv', body, `${path}/seeds`)).json.expiring).toBeUndefined();
    expect((await put('csv', body, `${path}/negatives`)).json.expiring).toBeUndefined();
    expect((await put('csv', body, `${path}/suppression`)).json.expiring.users).toBe(1);
  });
});
