/** Routes of campaigns that change, of their expansions and active versions, through HTTP. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population);

const UUID = /^[0-9a-f-]{36}$/;

describe('POST /v1/campaigns', () => {
  it('takes labels, filters and a refresh policy, and refuses filters that let nobody pass', async () => {
    const body = {
      ...OK_BODY,
      labels: { team: 'growth' },
      filters: { city: ['c1', 'c2'] },
      refresh: { every: '90m', on_new_population: true, on_change: false },
    };
    const { json } = await fixture.call('POST', '/v1/campaigns', body);
    expect(json).toMatchObject({ labels: body.labels, filters: body.filters, refresh: body.refresh });
    await fixture.finishNext();
    for (const [filters, pointer] of [
      [{ town: ['c1'] }, '/filters/town'],
      [{ city: ['c1', 'nowhere'] }, '/filters/city/1'],
    ] as const) {
      const refused = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, filters });
      expect([refused.status, refused.json.code, refused.json.errors[0].pointer]).toEqual([
        400,
        'unknown_filter',
        pointer,
      ]);
      expect(refused.json.known_features).toEqual(population.features.map(({ name }) => name));
    }
    for (const refresh of [{ every: '0h' }, { every: '1w' }, { every: 60 }, { daily: true }]) {
      const refused = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, refresh });
      expect([refused.status, refused.json.code]).toEqual([400, 'invalid_request']);
    }
  });
});

describe('PATCH /v1/campaigns/{id}', () => {
  it('changes the given fields; another size is served at once without an expansion', async () => {
    const id = await fixture.createReady();
    const path = `/v1/campaigns/${id}`;
    const { json } = await fixture.call('PATCH', path, { audience: { size: 20 }, name: 'renamed', labels: { a: 'b' } });
    expect(json).toMatchObject({ name: 'renamed', labels: { a: 'b' }, size: 20, audience_version: 2, state: 'ready' });
    expect((await fixture.call('GET', `${path}/audience`)).json).toMatchObject({ size: 20, version: 2 });
    expect((await fixture.call('GET', `${path}/expansions`)).json.items).toHaveLength(1);
    const changed = await fixture.call('PATCH', path, { filters: { city: ['c3'] } });
    expect(changed.json).toMatchObject({ needs_expansion: true, name: 'renamed', size: 20 });
  });

  it.each([
    [{}, 'invalid_request'],
    [{ filters: { town: ['x'] } }, 'unknown_filter'],
    [{ features: { nothing: 'x' } }, 'unknown_feature'],
  ])('refuses %j', async (body, code) => {
    const id = await fixture.createReady();
    const answer = await fixture.call('PATCH', `/v1/campaigns/${id}`, body);
    expect([answer.status, answer.json.code]).toEqual([400, code]);
  });

  it('keeps external ids unique, and gives one up', async () => {
    const one = await fixture.createReady({ ...OK_BODY, external_id: 'mine' });
    const two = await fixture.createReady();
    const taken = await fixture.call('PATCH', `/v1/campaigns/${two}`, { external_id: 'mine' });
    expect([taken.status, taken.json.campaign_id]).toEqual([409, one]);
    expect((await fixture.call('PATCH', `/v1/campaigns/${one}`, { external_id: 'mine' })).status).toBe(200);
    await fixture.call('PATCH', `/v1/campaigns/${one}`, { external_id: null });
    expect((await fixture.call('PATCH', `/v1/campaigns/${two}`, { external_id: 'mine' })).status).toBe(200);
  });
});

describe('expansions', () => {
  it('are made again, listed, read and cancelled', async () => {
    const id = await fixture.createReady();
    const path = `/v1/campaigns/${id}/expansions`;
    const made = await fixture.call('POST', path);
    expect([made.status, made.json.state, made.json.cause]).toEqual([202, 'queued', 'requested']);
    expect(made.headers['location']).toBe(`${path}/${made.json.id}`);
    expect(made.json).toMatchObject({ campaign_id: id, excluded: null, audience_version: null });
    expect(made.json.eta_seconds).toBeGreaterThanOrEqual(0);
    const cancelled = await fixture.call('POST', `${path}/${made.json.id}/cancel`);
    expect([cancelled.status, cancelled.json.state, cancelled.json.eta_seconds]).toEqual([200, 'cancelled', null]);
    expect((await fixture.call('GET', `/v1/campaigns/${id}`)).json).toMatchObject({
      state: 'cancelled',
      audience_version: 1,
    });
    const list = await fixture.call('GET', `${path}?limit=1`);
    expect(list.json.items[0].id).toBe(made.json.id);
    const rest = await fixture.call('GET', `${path}?cursor=${list.json.next_cursor}`);
    expect(rest.json).toMatchObject({ items: [{ cause: 'created', state: 'ready' }], next_cursor: null });
    const computed = { device: 'cpu', threads: 2, batch_size: 1024 };
    expect([made.json.computed_with, rest.json.items[0].computed_with]).toEqual([null, computed]);
    const ended = await fixture.call('POST', `${path}/${rest.json.items[0].id}/cancel`);
    expect([ended.status, ended.json.code, ended.json.state]).toEqual([409, 'expansion_ended', 'ready']);
    expect((await fixture.call('GET', `${path}/none`)).json.code).toBe('expansion_not_found');
    expect((await fixture.call('GET', '/v1/campaigns/none/expansions')).json.code).toBe('campaign_not_found');
    expect((await fixture.call('GET', `${path}?cursor=bad`)).json.code).toBe('invalid_cursor');
  });
});

describe('an empty body that is called JSON', () => {
  it('counts as no body: accepted if none is required, otherwise refused', async () => {
    const path = `/v1/campaigns/${await fixture.createReady()}`;
    const headers = { 'content-type': 'application/json' };
    expect((await fixture.call('POST', `${path}/expansions`, '', headers)).status).toBe(202);
    await fixture.finishNext();
    const refused = await fixture.call('PATCH', path, '', headers);
    expect([refused.status, refused.json.code]).toEqual([400, 'invalid_request']);
    expect((await fixture.call('DELETE', path, '', headers)).status).toBe(204);
  });
});

describe('POST /v1/campaigns/{id}/feedback', () => {
  it('refuses an event that is more than five minutes ahead', async () => {
    const id = await fixture.createReady();
    const send = (...minutes: readonly number[]) =>
      fixture.call('POST', `/v1/campaigns/${id}/feedback`, {
        events: minutes.map((ahead) => ({
          user_id: 'person-50',
          event: 'click',
          time: new Date(Date.now() + ahead * 60_000).toISOString(),
        })),
      });
    expect((await send(-5, 0, 4)).status).toBe(200);
    const refused = await send(0, 6, 4, 4_000_000_000);
    expect([refused.status, refused.json.code]).toEqual([400, 'invalid_request']);
    expect(refused.json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/events/1/time',
      '/events/3/time',
    ]);
    expect((await send(-5)).json.users).toEqual({ conversion: 0, click: 1, dismissal: 0 });
  });

  it('keeps the latest event of each user, as JSON and as NDJSON', async () => {
    const id = await fixture.createReady();
    const path = `/v1/campaigns/${id}/feedback`;
    const events = [
      { user_id: 'person-50', event: 'conversion', time: '2026-11-25T12:00:00Z' },
      { user_id: 'person-51', event: 'dismissal', time: '2026-11-25T12:00:00+01:00' },
      { user_id: 'person-50', event: 'click', time: '2026-11-25T11:00:00Z' },
    ];
    const first = await fixture.call('POST', path, { events });
    const users = { conversion: 1, click: 0, dismissal: 1 };
    expect(first.json).toEqual({ received: 3, taken: 2, outdated: 1, users });
    const lines = `${JSON.stringify({ user_id: 'person-51', event: 'click' })}\n\n`;
    const second = await fixture.call('POST', path, lines, { 'content-type': 'application/x-ndjson' });
    expect(second.json).toMatchObject({ taken: 1, users: { conversion: 1, click: 1, dismissal: 0 } });
    const expansion = await fixture.call('POST', `/v1/campaigns/${id}/expansions`);
    expect(expansion.json.feedback).toEqual({ positives: 2, dismissed: 0 });
    await fixture.finishNext();
  });

  it.each([
    ['{"user_id":"a","event":"click"}\nnot json', 'line 2'],
    ['{"user_id":"a","event":"liked"}', '/events/0/event'],
  ])('refuses %j as NDJSON', async (lines, pointer) => {
    const id = await fixture.createReady();
    const headers = { 'content-type': 'application/x-ndjson' };
    const answer = await fixture.call('POST', `/v1/campaigns/${id}/feedback`, lines, headers);
    expect([answer.status, answer.json.code, answer.json.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
  });
});

describe('active versions', () => {
  it('are rolled back, followed by one call, and reported by size', async () => {
    const since = (await fixture.call('GET', '/v1/changes?limit=10000')).json.next_cursor;
    const id = await fixture.createReady();
    const path = `/v1/campaigns/${id}`;
    await fixture.call('PATCH', path, { audience: { percent: 10 } });
    const back = await fixture.call('PUT', `${path}/audience`, { version: 1 });
    expect([back.status, back.json.version, back.json.size]).toEqual([200, 1, 50]);
    expect(back.json.expansion_id).toMatch(UUID);
    const gone = await fixture.call('PUT', `${path}/audience`, { version: 9 });
    expect([gone.status, gone.json.code]).toEqual([404, 'audience_not_found']);
    const changes = await fixture.call('GET', `/v1/changes?since=${since}`);
    expect(changes.json.items.map(({ version, size, diff }: Record<string, unknown>) => [version, size, diff])).toEqual(
      [
        [1, 50, null],
        [2, 30, `${path}/audiences/1/diff/2`],
        [1, 50, `${path}/audiences/2/diff/1`],
      ],
    );
    expect(changes.json.has_more).toBe(false);
    const quality = await fixture.call('GET', `${path}/quality?version=2`);
    expect(quality.json).toMatchObject({ campaign_id: id, audience_version: 2, size: 30, verdict: 'good' });
    const sizes = quality.json.curve.map(({ size }: { size: number }) => size);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect((await fixture.call('GET', `${path}/quality`)).json.audience_version).toBe(1);
  });
});

describe('DELETE /v1/campaigns/{id}', () => {
  it('removes the campaign, tells followers, and frees its external id', async () => {
    const id = await fixture.createReady({ ...OK_BODY, external_id: 'to go' });
    const since = (await fixture.call('GET', '/v1/changes?limit=10000')).json.next_cursor;
    const path = `/v1/campaigns/${id}`;
    const deleted = await fixture.call('DELETE', path);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    for (const [method, at] of [
      ['GET', path],
      ['DELETE', path],
      ['GET', `${path}/audience`],
      ['POST', `${path}/expansions`],
      ['PATCH', path],
    ] as const) {
      const answer = await fixture.call(method, at, method === 'PATCH' ? { name: 'x' } : undefined);
      expect([method, answer.status, answer.json.code]).toEqual([method, 404, 'campaign_not_found']);
    }
    const { json } = await fixture.call('GET', `/v1/changes?since=${since}`);
    expect(json.items).toMatchObject([{ campaign_id: id, kind: 'deleted', version: null, diff: null }]);
    await fixture.createReady({ ...OK_BODY, external_id: 'to go' });
  });
});
