/** The route of explanations: content, limits, and caching. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../../src/audience/explanation.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population);
const id = await fixture.createReady({ ...OK_BODY, seeds: [...OK_BODY.seeds, 'nobody'] });

const get = (path: string, at = fixture) => at.call('GET', path);

const EMPTY: Explanation = { populationSize: 0, audienceSize: 0, seedCount: null, features: [] };

describe('GET /v1/campaigns/{id}/explanation', () => {
  it('tells tokens of the audience from those of the population, with the seeds that the population has', async () => {
    const { status, json } = await get(`/v1/campaigns/${id}/explanation`);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      version: 1,
      population_version: population.version,
      population: { count: 300 },
      audience: { count: 50 },
      seeds: { count: 20 },
    });
    expect(json.features.map(({ feature, kind, sensitive }: never) => [feature, kind, sensitive])).toEqual([
      ['city', 'single', false],
      ['gender', 'single', true],
    ]);
    const [city, gender] = json.features;
    expect(city.token_count).toBe(7);
    expect(city.tokens).toHaveLength(7);
    for (const { audience, population, lift } of city.tokens) {
      expect(audience.share).toBeCloseTo(audience.count / 50, 12);
      expect(lift.estimate).toBeCloseTo(audience.share / population.share, 12);
    }
    expect(city.disparity).toBeNull();
    // every third user is f, in the audience too
    expect(gender.disparity).toMatchObject({ groups: 2, warning: false });
    expect(json.warnings).toEqual([]);
  });

  it('counts seeds with features among the seeds, unless the population has them', async () => {
    const own = await fixture.createReady();
    const rows = ['person-1', 'stranger', 'person-2'].map((user_id) => ({
      user_id,
      features: { city: 'c1', gender: 'f' },
    }));
    const lines = [...rows, { features: rows[0]!.features }, 'nobody'].map((line) => JSON.stringify(line)).join('\n');
    await fixture.call('PUT', `/v1/campaigns/${own}/seeds`, lines, { 'content-type': 'application/x-ndjson' });
    await fixture.call('POST', `/v1/campaigns/${own}/expansions`);
    await fixture.finishNext();
    const { seeds, features } = (await get(`/v1/campaigns/${own}/explanation`)).json;
    expect(seeds).toEqual({ count: 4 });
    const f = features[1].tokens.find(({ token }: { token: string }) => token === 'f');
    expect(f.seeds.count).toBe(2);
  });

  it('lists as many tokens a feature as are requested', async () => {
    const all = (await get(`/v1/campaigns/${id}/explanation?limit=100`)).json.features[0].tokens;
    const two = (await get(`/v1/campaigns/${id}/explanation?limit=2`)).json.features[0];
    expect(two.tokens).toEqual(all.slice(0, 2));
    expect(two.token_count).toBe(7);
  });

  it('explains a version that is not active, and warns of a group that is left out', async () => {
    const own = await openFixture(population);
    const campaign = await own.createReady();
    await own.store.expand(campaign);
    const row = (number: number) => population.rowOf[number]!;
    await own.finishNext((number) => (row(number) % 3 === 0 ? 0 : 1));
    const { json } = await get(`/v1/campaigns/${campaign}/explanation`, own);
    expect(json.version).toBe(2);
    expect(json.warnings).toMatchObject([{ code: 'disparity', feature: 'gender' }]);
    expect(json.warnings[0].message).toBe('"f" is selected at 0 % of the rate of "m", less than 80 %');
    const first = (await get(`/v1/campaigns/${campaign}/explanation?version=1`, own)).json;
    expect([first.version, first.warnings]).toEqual([1, []]);
  });

  it('makes an explanation once for each ranking and size, and keeps so many', async () => {
    const own = await openFixture(population, { keptExplanations: 2 });
    const asked: number[] = [];
    own.answers.explainer = {
      explain: async ({ size }) => {
        asked.push(size);
        return EMPTY;
      },
    };
    const campaign = await own.createReady();
    for (const size of [20, 30]) await own.store.update(campaign, { audience: { size } });
    for (const version of [1, 1, 2, 1, 3, 1, 2])
      await get(`/v1/campaigns/${campaign}/explanation?version=${version}`, own);
    expect(asked).toEqual([50, 20, 30, 20]);
  });

  it('makes one at a time: requests for the same one wait, requests for another get Retry-After', async () => {
    const own = await openFixture(population);
    const waiting: ((explanation: Explanation) => void)[] = [];
    own.answers.explainer = { explain: () => new Promise((resolve) => waiting.push(resolve)) };
    const campaign = await own.createReady();
    await own.store.update(campaign, { audience: { size: 20 } });
    const path = (version: number) => `/v1/campaigns/${campaign}/explanation?version=${version}`;
    const both = [get(path(1), own), get(path(1), own)];
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const other = await get(path(2), own);
    expect([other.status, other.json.code, other.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
    expect(waiting).toHaveLength(1);
    waiting[0]!(EMPTY);
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
    const late = get(path(2), own);
    while (waiting.length === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    waiting[1]!(EMPTY);
    expect((await late).status).toBe(200);
  });

  it('tries again after a failure, and does not show it', async () => {
    const own = await openFixture(population);
    let calls = 0;
    own.answers.explainer = {
      explain: async () => {
        calls += 1;
        if (calls === 1) throw new AppError('storage_failed', `no ${own.dataDir}`);
        return EMPTY;
      },
    };
    const campaign = await own.createReady();
    const failed = await get(`/v1/campaigns/${campaign}/explanation`, own);
    expect([failed.status, failed.json.code]).toEqual([503, 'storage_failed']);
    expect(failed.text).not.toContain(own.dataDir);
    expect((await get(`/v1/campaigns/${campaign}/explanation`, own)).status).toBe(200);
  });

  it('is refused when the population version is gone, and fails when the ranking is', async () => {
    const others = await importUsers();
    const own = await openFixture(others);
    const campaign = await own.createReady();
    rmSync(join(own.dataDir, (await own.store.activeAudience(campaign)).folder), { recursive: true });
    expect((await get(`/v1/campaigns/${campaign}/explanation`, own)).json.code).toBe('storage_failed');
    rmSync(join(others.path, others.version), { recursive: true });
    const gone = await get(`/v1/campaigns/${campaign}/explanation`, own);
    const expected = { code: 'population_unavailable', population_version: others.version };
    expect([gone.status, gone.json]).toMatchObject([409, expected]);
  });

  it.each([
    ['/v1/campaigns/none/explanation', 404, 'campaign_not_found'],
    ['/v1/campaigns/none/explanation?version=1', 404, 'campaign_not_found'],
    ['/v1/campaigns/ID/explanation?version=2', 404, 'audience_not_found'],
  ])('answers %s with %i %s', async (path, status, code) => {
    const answer = await get(path.replace('ID', id));
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('is not ready before the first audience', async () => {
    const queued = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
    const answer = await get(`/v1/campaigns/${queued}/explanation`);
    expect([answer.status, answer.json.code]).toEqual([409, 'audience_not_ready']);
    await fixture.finishNext();
  });
});
