/** Routes of campaigns, and every fault of a new campaign. */
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Fixture, importUsers, OK_BODY, openFixture, QUALITY, SEEDS } from '../fixture.ts';

let fixture: Fixture;
const population = await importUsers();
async function open(): Promise<void> {
  fixture = await openFixture(population);
}

const post = (body: unknown, headers?: Record<string, string>) => fixture.call('POST', '/v1/campaigns', body, headers);

function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.json?.code, text: answer.text }).toMatchObject({ status, code });
  expect(answer.type).toContain('application/problem+json');
  expect(answer.json).toMatchObject({
    status,
    code,
    type: `/docs/errors/${code}`,
    title: expect.any(String),
    detail: expect.any(String),
    request_id: answer.headers['x-request-id'],
    errors: expect.any(Array),
  });
}

describe('POST /v1/campaigns', () => {
  beforeEach(open);

  it('accepts a campaign, counts its seeds and features, and wakes the engine', async () => {
    const seeds = [...SEEDS, 'nobody-1', 'nobody-2', SEEDS[0]];
    const features = { category: 'gloves', genres: ['drama', 'noir'] };
    const answer = await post({ ...OK_BODY, features, seeds, audience: { percent: 10 } });
    expect(answer.status).toBe(202);
    expect(answer.headers).toHaveProperty('location', `/v1/campaigns/${answer.json.id}`);
    expect(answer.json).toMatchObject({
      external_id: null,
      name: 'autumn shoes',
      state: 'queued',
      progress: 0,
      reason: null,
      features,
      feature_counts: { unknown: 2, missing: 0 },
      audience: { percent: 10 },
      seeds: { received: 23, known: 20, unknown: 2, duplicate: 1, unknown_examples: ['nobody-1', 'nobody-2'] },
      model_version: null,
      population_version: null,
      audience_version: null,
      size: null,
      candidates: null,
      timings: {},
      quality: null,
    });
    expect(new Date(answer.json.created_at).toISOString()).toBe(answer.json.created_at);
    expect(fixture.wakes()).toBe(1);
  });

  it.each(['a&b=c #%2F', 'é'.repeat(128)])('shows the external id (%#)', async (external_id) => {
    const { json } = await post({ ...OK_BODY, external_id });
    expect(json.external_id).toBe(external_id);
    expect((await fixture.call('GET', `/v1/campaigns/${json.id}`)).json.external_id).toBe(external_id);
    const found = await fixture.call('GET', `/v1/campaigns?external_id=${encodeURIComponent(external_id)}`);
    expect(found.json).toMatchObject({ items: [{ id: json.id, external_id }], next_cursor: null });
  });

  it('refuses an external id that another campaign has, and names that campaign', async () => {
    const first = await post({ ...OK_BODY, external_id: 'c1', seeds: ['x'] });
    const wakes = fixture.wakes();
    const answer = await post({ ...OK_BODY, external_id: 'c1' });
    expectProblem(answer, 409, 'external_id_taken');
    expect(answer.json).toMatchObject({
      campaign_id: first.json.id,
      detail: `campaign ${first.json.id} already has this external id`,
      errors: [{ pointer: '/external_id', value: 'c1' }],
    });
    expect((await fixture.store.list({ limit: 9 })).items).toHaveLength(1);
    expect(fixture.wakes()).toBe(wakes);
    expect((await post({ ...OK_BODY, external_id: 'C1' })).status).toBe(202);
  });

  it('counts features that are absent or empty as missing', async () => {
    const absent = await post({ ...OK_BODY, features: undefined });
    expect(absent.json.feature_counts).toEqual({ unknown: 0, missing: 2 });
    const empty = await post({ ...OK_BODY, features: { category: '', genres: [] } });
    expect(empty.json.feature_counts).toEqual({ unknown: 0, missing: 2 });
  });

  it.each([['only unknown seeds', ['x1', 'x2', 'x3'], { known: 0, unknown: 3 }]])(
    'accepts %s as too_small, with the numbers, and does not wake the engine',
    async (_name, seeds, counts) => {
      const answer = await post({ ...OK_BODY, seeds });
      expect(answer.status).toBe(202);
      expect(answer.json).toMatchObject({ state: 'too_small', seeds: counts });
      expect(answer.json.reason).toMatchObject({ code: 'too_few_seeds', known: counts.known, minimum: 10 });
      expect(fixture.wakes()).toBe(0);
    },
  );
});

describe('POST /v1/campaigns with something wrong', () => {
  // the requests of this group change nothing
  beforeAll(open);

  it.each<[string, object, string, object]>([
    [
      'a seed of 257 bytes',
      { seeds: [`${'é'.repeat(128)}x`] },
      'invalid_request',
      { pointer: '/seeds/0', value: `${'é'.repeat(80)}…`, limit: 256 },
    ],
    ['size and percent', { audience: { size: 1, percent: 1 } }, 'invalid_request', { pointer: '/audience' }],
    [
      'a list for a single one',
      { features: { category: ['shoes'] } },
      'invalid_request',
      { pointer: '/features/category' },
    ],
    ['a text for a multi one', { features: { genres: 'drama' } }, 'invalid_request', { pointer: '/features/genres' }],
    [
      'an unknown feature',
      { features: { 'a/b': 'x' } },
      'unknown_feature',
      { pointer: '/features/a~1b', value: 'a/b' },
    ],
    ['a feature of every object', { features: { toString: 'x' } }, 'unknown_feature', { value: 'toString' }],
  ])('refuses %s', async (_name, change, code, error) => {
    const answer = await post({ ...OK_BODY, ...change });
    expectProblem(answer, 400, code);
    expect(answer.json.errors[0]).toMatchObject(error);
    expect((await fixture.store.list({ limit: 1 })).items).toEqual([]);
  });

  it('names the features of the model when one is unknown', async () => {
    const answer = await post({ ...OK_BODY, features: { nonsense: 'x' } });
    expect(answer.json.known_features).toEqual(['category', 'genres']);
  });

  it('names every error at once, but only so many', async () => {
    const answer = await post({ ...OK_BODY, seeds: Array(500).fill(1), audience: { size: 0 }, name: 1 });
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.json.errors).toHaveLength(20);
  });

  it.each([
    ['no body', undefined],
    ['a body that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('refuses %s', async (_name, body) => {
    expectProblem(await post(body), 400, 'invalid_request');
  });

  it('refuses a compressed body, and names the header', async () => {
    const answer = await post(gzipSync(JSON.stringify(OK_BODY)), { 'content-encoding': 'gzip' });
    expectProblem(answer, 415, 'unsupported_media_type');
    expect(answer.json.detail).toBe('the body must be sent without Content-Encoding');
    expect(answer.json.errors).toMatchObject([{ pointer: 'content-encoding', value: 'gzip' }]);
  });
});

describe('POST /v1/campaigns at its limits', () => {
  beforeEach(open);

  it('takes 100,000 seeds and refuses one more', async () => {
    const seeds = Array.from({ length: 100_000 }, (_, i) => `u${i}`);
    const most = await post({ ...OK_BODY, seeds });
    expect(most.json.seeds).toMatchObject({ received: 100_000, unknown: 100_000 });
    const answer = await post({ ...OK_BODY, seeds: [...seeds, 'one-more'] });
    expectProblem(answer, 413, 'too_many_seeds');
    expect(answer.json.errors).toMatchObject([{ pointer: '/seeds', value: 'a list of 100001', limit: 100_000 }]);
  });
});

describe('GET /v1/campaigns/{id}', () => {
  beforeEach(open);

  it('shows a campaign that is ready', async () => {
    const id = await fixture.createReady();
    const answer = await fixture.call('GET', `/v1/campaigns/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      id,
      state: 'ready',
      progress: 1,
      model_version: 'model-1',
      population_version: population.version,
      audience_version: 1,
      size: 50,
      candidates: 280,
      quality: QUALITY,
    });
    expect(answer.json.timings).toMatchObject({ adapting: 0.5, scoring: 0.2 });
  });
});

describe('GET /v1/campaigns', () => {
  beforeEach(open);

  it('finds by a text of the name or the external id, and by labels', async () => {
    const names = async (query: string) =>
      (await fixture.call('GET', `/v1/campaigns?${query}`)).json.items.map(({ name }: { name: string }) => name);
    await post({ ...OK_BODY, name: 'Autumn 100% shoes', labels: { team: 'growth', note: 'a=b' } });
    await post({ ...OK_BODY, name: 'Coats', external_id: 'AUTUMN-7', labels: { team: 'growth' } });
    await post({ ...OK_BODY, name: 'Hats' });
    expect(await names('search=autumn')).toEqual(['Coats', 'Autumn 100% shoes']);
    expect(await names('search=100%25%20S')).toEqual(['Autumn 100% shoes']);
    expect(await names('search=%25')).toEqual(['Autumn 100% shoes']);
    expect(await names('search=_')).toEqual([]);
    expect(await names('label=team=growth')).toEqual(['Coats', 'Autumn 100% shoes']);
    expect(await names('label=team=growth&label=note=a%3Db&search=shoes')).toEqual(['Autumn 100% shoes']);
    expect(await names('label=team=')).toEqual([]);
  });

  it.each([
    ['label=team', 'invalid_request', { pointer: 'label' }],
    ['limit=1&limit=2', 'invalid_request', { pointer: 'limit' }],
    ['cursor=%00nonsense', 'invalid_cursor', { pointer: 'cursor' }],
  ])('refuses %s', async (query, code, error) => {
    const answer = await fixture.call('GET', `/v1/campaigns?${query}`);
    expectProblem(answer, 400, code);
    expect(answer.json.errors[0]).toMatchObject(error);
  });
});

describe('POST /v1/campaigns/status', () => {
  beforeEach(open);

  it('returns the states in the order of the request, and the ids that no campaign has', async () => {
    const first = (await post({ ...OK_BODY, external_id: 'x1' })).json;
    const second = (await post({ ...OK_BODY, external_id: 'x2', seeds: null })).json;
    const ask = (body: unknown) => fixture.call('POST', '/v1/campaigns/status', body);
    const { status, json } = await ask({ external_ids: ['x2', 'nobody', 'x1', 'x2'] });
    expect(status).toBe(200);
    const none = { reason: null, progress: 0, eta_seconds: null, audience_version: null, size: null };
    expect(json).toEqual({
      items: [
        { ...none, id: second.id, external_id: 'x2', state: null },
        { ...none, id: first.id, external_id: 'x1', state: 'queued' },
      ],
      not_found: ['nobody'],
    });
    expect((await ask({ ids: [first.id] })).json.items).toHaveLength(1);
    expectProblem(await ask({}), 400, 'invalid_request');
    expectProblem(await ask({ ids: ['a'], external_ids: ['b'] }), 400, 'invalid_request');
    expectProblem(await ask({ ids: Array(201).fill('a') }), 400, 'invalid_request');
  });

  it('lists campaigns in the requested order and time', async () => {
    for (const name of ['b', 'A', 'c']) await post({ ...OK_BODY, name });
    const list = async (query: string) => (await fixture.call('GET', `/v1/campaigns?${query}`)).json;
    const first = await list('sort=name&limit=2');
    expect(first.items.map(({ name }: { name: string }) => name)).toEqual(['A', 'b']);
    expect((await list(`sort=name&cursor=${first.next_cursor}`)).items).toMatchObject([{ name: 'c' }]);
    expect((await list('created_to=2001-01-01T00:00:00Z')).items).toEqual([]);
    expect((await list('updated_from=2001-01-01T00:00:00Z')).items).toHaveLength(3);
    expectProblem(await fixture.call('GET', '/v1/campaigns?sort=size'), 400, 'invalid_request');
  });
});
