/** Behaviour of all routes: the key, request ids, logs, metrics, health, and unknown routes. */
import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../src/http/config.ts';
import { PACKAGE_VERSION } from '../../src/lib/package-root.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, SEEDS, USER_IDS } from './fixture.ts';

/**
 * Every route with two statuses each, the stages of expansions, and what Node tells of itself: 4 kinds of collections.
 */
const MOST_SERIES = 440;
/** Of a scrape, likewise. */
const MOST_BYTES = 40_000;

let fixture: Fixture;
const population = await importUsers();

const open = async (config: Partial<ServerConfig> = {}) => {
  fixture = await openFixture(population, config);
  return fixture;
};
const get = (path: string, headers?: Record<string, string>) => fixture.call('GET', path, undefined, headers);

describe('X-Request-Id', () => {
  it('is kept when it is short and plain', async () => {
    await open();
    expect((await get('/livez', { 'x-request-id': 'trace-1.a_B' })).headers['x-request-id']).toBe('trace-1.a_B');
  });

  it.each(['', 'a b', 'x'.repeat(65), '"}'])('is replaced when it is %j', async (id) => {
    await open();
    expect((await get('/livez', { 'x-request-id': id })).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('an unknown route', () => {
  it('returns a 404 problem', async () => {
    await open();
    for (const path of ['/v1/nowhere', '/', '/v1/campaigns/x/y', '/docs/static/nothing.js']) {
      const answer = await get(path);
      expect([path, answer.status, answer.json?.code]).toEqual([path, 404, 'route_not_found']);
      expect(answer.type).toContain('application/problem+json');
    }
  });

  it.each([
    ['DELETE', '/livez', 'GET, HEAD'],
    ['PUT', '/v1/campaigns', 'GET, HEAD, POST'],
    ['HEAD', '/v1/campaigns/x/audience', 'GET, PUT'],
  ] as const)('is a 405 problem with Allow for %s %s', async (method, path, allow) => {
    await open();
    const answer = await fixture.call(method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers).toHaveProperty('allow', allow);
    if (method !== 'HEAD') expect(answer.json.code).toBe('method_not_allowed');
  });
});

describe('health', () => {
  it('answers 503 and names the part that is not ready', async () => {
    await open();
    fixture.answers.engine = () => ({ ready: false, detail: 'loading the model', restarts: 2 });
    const answer = await get('/readyz');
    expect([answer.status, answer.json.code]).toEqual([503, 'unavailable']);
    expect(answer.json.detail).toBe('not ready: engine (loading the model)');
    expect(answer.json.parts[0]).toEqual({ name: 'engine', ready: false, detail: 'loading the model' });
    expect(answer.headers['retry-after']).toBe('2');
    expect((await get('/livez')).status).toBe(200);
  });
});

describe('an unexpected error', () => {
  it('shows a request id only, and is in the log with its stack', async () => {
    await open();
    fixture.answers.engine = () => {
      throw new Error('secret detail');
    };
    const answer = await get('/readyz');
    expect([answer.status, answer.json.code]).toEqual([500, 'internal']);
    expect(answer.text).not.toContain('secret');
    expect(answer.json.detail).toContain(answer.headers['x-request-id']);
    const line =
      fixture
        .log()
        .split('\n')
        .find((text) => text.includes('secret detail')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      request_id: answer.json.request_id,
      route: '/readyz',
      error: { message: 'secret detail', stack: expect.stringContaining('service.test.ts') },
    });
  });
});

describe('GET /metrics', () => {
  it('counts requests by pattern, expansions by state, and shows engine and process', async () => {
    await open();
    const id = await fixture.createReady();
    await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, seeds: ['x'] });
    await get(`/v1/campaigns/${id}/audience/members/person-100`);
    await get('/v1/nowhere/person-100');
    fixture.answers.engine = () => ({ ready: true, detail: 'running', restarts: 3 });
    const answer = await get('/metrics');
    expect(answer.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const line of [
      'http_requests_total{method="POST",route="/v1/campaigns",status="202"} 2',
      'http_requests_total{method="GET",route="/v1/campaigns/:id/audience/members/:user_id",status="200"} 1',
      'http_requests_total{method="GET",route="unknown",status="404"} 1',
      'http_request_duration_seconds_count{class="write"} 2',
      'http_request_duration_seconds_count{class="lookup"} 1',
      'metaheac_expansions{state="ready"} 1',
      'metaheac_expansions{state="too_small"} 1',
      'metaheac_expansions{state="queued"} 0',
      'metaheac_queue_oldest_seconds 0',
      'metaheac_queue_depth 0',
      'metaheac_engine_ready 1',
      'metaheac_engine_restarts_total 3',
      'metaheac_engine_info{device="running"} 1',
      'metaheac_part_ready{part="disk"} 1',
      `metaheac_info{version="${PACKAGE_VERSION}",model="model-1",population="${population.version}"} 1`,
      'metaheac_audience_streams 0',
    ]) {
      expect(answer.text.split('\n')).toContain(line);
    }
    expect(answer.text).toContain('process_cpu_seconds_total');
    expect(answer.text).not.toContain('person-100');
  });

  it('has the stages of every expansion, in buckets from milliseconds to an hour', async () => {
    await open();
    expect((await get('/metrics')).text).not.toContain('metaheac_expansion_stage_seconds_bucket');
    await fixture.createReady();
    await fixture.createReady();
    const lines = (await get('/metrics')).text.split('\n');
    for (const stage of ['queued', 'adapting', 'scoring', 'ranking'])
      expect(lines).toContain(`metaheac_expansion_stage_seconds_count{stage="${stage}"} 2`);
    const ofScoring = lines.filter((line) => line.startsWith('metaheac_expansion_stage_seconds_bucket{le='));
    const bounds = ofScoring.flatMap((line) => /le="(.+)",stage="scoring"\} 2$/.exec(line)?.[1] ?? []);
    expect(bounds).toEqual(['0.2', '1', '5', '20', '60', '300', '1200', '3600', '+Inf']);
  });

  it('stays short when every route was called', async () => {
    await open();
    await fixture.createReady();
    const { paths } = (await get('/openapi.json')).json as { paths: Record<string, Record<string, unknown>> };
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path.replace(/\{\w+\}/g, 'x')] as const),
    );
    expect(calls.length).toBeGreaterThan(45);
    for (const [method, path] of calls) {
      await fixture.call(method as 'GET', path, method === 'GET' || method === 'DELETE' ? undefined : {});
      await fixture.call(method as 'GET', `${path}?unknown=1`);
    }
    const { text } = await get('/metrics');
    expect(text).toContain('class="computed"');
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(series.length).toBeLessThan(MOST_SERIES);
    expect(Buffer.byteLength(text)).toBeLessThan(MOST_BYTES);
  });
});

describe('the log', () => {
  it('holds patterns, no URL, no user id and no key, whatever goes wrong', async () => {
    await open({ apiKey: 'sesame-key' });
    const headers = { authorization: 'Bearer sesame-key' };
    const created = await fixture.call(
      'POST',
      '/v1/campaigns',
      { ...OK_BODY, seeds: [...SEEDS, 'stranger-1'] },
      headers,
    );
    const base = `/v1/campaigns/${created.json.id}`;
    await get(`${base}/audience`, headers);
    await fixture.finishNext();
    for (const user of ['person-100', 'stranger-2', 'a%2Cb', '%zz'])
      await get(`${base}/audience/members/${user}`, headers);
    await get(`${base}/audience?limit=10&cursor=person-5`, headers);
    await get(`${base}/audience`, { ...headers, accept: 'text/csv' });
    await get('/v1/nowhere/person-7', headers);
    await get('/v1/campaigns', { authorization: 'Bearer wrong-key' });
    await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, seeds: ['person-8', 9], person: 'person-9' }, headers);
    await fixture.call('POST', '/v1/campaigns', '{"seeds":["person-10"', headers);
    const log = fixture.log();
    expect(log).toContain('/v1/campaigns/:id/audience/members/:user_id');
    const words = new Set(log.split(/[^\w-]+/));
    const secrets = [
      ...USER_IDS.filter((id) => /^[\w-]+$/.test(id)),
      'stranger-1',
      'stranger-2',
      'sesame-key',
      'wrong-key',
    ];
    expect(secrets.filter((word) => words.has(word))).toEqual([]);
    // a campaign is a field of the lines that are about it, and nothing else
    expect(log).toContain(`"campaign":"${created.json.id}"`);
    expect(log.replaceAll(`"campaign":"${created.json.id}"`, '')).not.toContain(created.json.id);
    expect(log).not.toMatch(/\?limit|%zz|a%2Cb|"url"/);
  });

  it('has one line a request with method, pattern, status, time and code', async () => {
    await open();
    await get('/v1/campaigns/none', { 'x-request-id': 'r1' });
    const lines = jsonLines(fixture.log());
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      request_id: 'r1',
      method: 'GET',
      route: '/v1/campaigns/:id',
      status: 404,
      code: 'campaign_not_found',
      ms: expect.any(Number),
      msg: 'request',
    });
  });
});
