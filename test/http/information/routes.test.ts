/** Information about the service: limits, the served model and population, and the values of their features. */
import { describe, expect, it } from 'vitest';
import { pageOfValues } from '../../../src/http/information/feature-values.ts';
import { SERVER_LIMITS } from '../../../src/http/limits.ts';
import { snakeCase, variableOf } from '../../../src/lib/limits.ts';
import { importUsers, MODEL_FACTS, OK_BODY, openFixture, USER_COUNT, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const server = await openFixture(population, { maximumInlineSeeds: 77 });

const get = (path: string) => server.call('GET', path);

interface Limit {
  readonly name: string;
  readonly value: number;
  readonly variable: string | null;
  readonly description: string;
}

describe('GET /v1/limits', () => {
  it('has the limits that are published, each with the value that is kept and the variable that sets it', async () => {
    const { status, json } = await get('/v1/limits');
    expect(status).toBe(200);
    const named = new Map<string, Limit>(json.items.map((item: Limit) => [item.name, item]));
    expect(named.get('maximum_inline_seeds')).toMatchObject({ value: 77, variable: 'METAHEAC_MAXIMUM_INLINE_SEEDS' });
    const published = Object.entries(SERVER_LIMITS).filter(([, row]) => row.published);
    expect(json.items.slice(0, published.length).map(({ name, variable }: Limit) => [name, variable])).toEqual(
      published.map(([name, { isSetting }]) => [snakeCase(name), isSetting ? variableOf(name) : null]),
    );
    expect(published.length).toBeGreaterThanOrEqual(15);
    expect(published.length).toBeLessThanOrEqual(28);
    expect([...named.values()].every(({ description }) => description.endsWith('.'))).toBe(true);
  });

  it('has the fixed limits too, which hold', async () => {
    const { json } = await get('/v1/limits');
    const fixed = new Map(
      json.items.filter(({ variable }: Limit) => variable === null).map(({ name, value }: Limit) => [name, value]),
    );
    expect([...fixed.keys()].slice(-4)).toEqual([
      'idempotency_key_lifetime_ms',
      'maximum_idempotency_key_length',
      'maximum_json_depth',
      'minimum_refresh_ms',
    ]);
    expect(fixed.get('maximum_page_size')).toBe(10_000);
    const depth = Number(fixed.get('maximum_json_depth'));
    const nested = (levels: number) => server.call('POST', '/v1/campaigns', '['.repeat(levels) + ']'.repeat(levels));
    expect((await nested(depth)).json.detail).toContain('an object is expected');
    expect((await nested(depth + 1)).json.detail).toContain(`at most ${depth} levels deep`);
    expect(fixed.get('idempotency_key_lifetime_ms')).toBe(24 * 3600 * 1000);
    const longest = Number(fixed.get('maximum_idempotency_key_length'));
    const create = async (changes: object, key: string) => {
      const body = { ...OK_BODY, ...changes };
      return (await server.call('POST', '/v1/campaigns', body, { 'idempotency-key': key })).status;
    };
    expect(await create({}, 'k'.repeat(longest))).toBe(202);
    expect(await create({}, 'k'.repeat(longest + 1))).toBe(400);
    const minutes = Number(fixed.get('minimum_refresh_ms')) / 60_000;
    expect(await create({ refresh: { every: `${minutes}m` } }, 'k1')).toBe(202);
    expect(await create({ refresh: { every: `${minutes - 1}m` } }, 'k2')).toBe(400);
  });
});

describe('GET /v1/models/current', () => {
  it("returns the campaign features and the model's evaluation", async () => {
    const { status, json } = await get('/v1/models/current');
    expect(status).toBe(200);
    expect(json).toEqual({
      name: MODEL_FACTS.name,
      version: 'model-1',
      created_at: MODEL_FACTS.createdAt,
      minimum_seeds: 10,
      features: [
        {
          name: 'category',
          kind: 'single',
          max_length: null,
          known_values: 2,
          values: '/v1/models/current/features/category/values',
        },
        {
          name: 'genres',
          kind: 'multi',
          max_length: 3,
          known_values: 2,
          values: '/v1/models/current/features/genres/values',
        },
      ],
      adaptation: MODEL_FACTS.adaptation,
      evaluation: MODEL_FACTS.evaluation,
    });
  });

  it('lists the values of a feature at the address that it gives', async () => {
    const { json } = await get('/v1/models/current');
    expect((await get(json.features[1].values)).json).toEqual({ items: ['drama', 'comedy'], next_cursor: null });
    expect((await get(`${json.features[1].values}?search=DRA`)).json.items).toEqual(['drama']);
  });

  it('has no feature of another name', async () => {
    const answer = await get('/v1/models/current/features/nonsense/values');
    expect([answer.status, answer.json.code, answer.json.known_features]).toEqual([
      404,
      'feature_not_found',
      ['category', 'genres'],
    ]);
  });
});

describe('GET /v1/populations/current', () => {
  it('returns its users and features', async () => {
    expect((await get('/v1/populations/current')).json).toEqual({
      version: population.version,
      users: USER_COUNT,
      labelled_categories: ['housing'],
      imported_at: '2026-11-25T00:00:00.000Z',
      identifiers: [],
      features: [
        {
          name: 'city',
          kind: 'single',
          sensitive: false,
          excluded_for: [],
          known_values: 7,
          values: '/v1/populations/current/features/city/values',
        },
        {
          name: 'gender',
          kind: 'single',
          sensitive: true,
          excluded_for: ['housing'],
          known_values: expect.any(Number),
          values: '/v1/populations/current/features/gender/values',
        },
      ],
    });
  });

  it('pages through the values of a feature', async () => {
    const path = '/v1/populations/current/features/city/values';
    const first = (await get(`${path}?limit=4`)).json;
    const usersOf = (city: number) => USER_IDS.filter((_, i) => i % 7 === city).length;
    const item = (city: number) => ({ value: `c${city}`, users: usersOf(city) });
    expect(first.items).toEqual([0, 1, 2, 3].map(item));
    const second = (await get(`${path}?limit=4&cursor=${first.next_cursor}`)).json;
    expect(second).toEqual({ items: [4, 5, 6].map(item), next_cursor: null });
    expect([...first.items, ...second.items].reduce((sum, { users }) => sum + users, 0)).toBe(USER_COUNT);
    expect((await get(`${path}?prefix=c6`)).json.items).toEqual([item(6)]);
    expect((await get(`${path}?prefix=6`)).json.items).toEqual([]);
  });
});

describe('pageOfValues', () => {
  const values = { size: 1_001, token: (code: number) => `value ${code}` };
  const present = (value: string) => value;
  const query = { prefix: undefined, search: undefined, limit: 10, cursor: undefined };

  it('examines a limited number of values at once, and continues to the last', () => {
    const found: string[] = [];
    let pages = 0;
    for (let cursor: string | null | undefined; cursor !== null; pages++) {
      const page = pageOfValues(values, 's', { ...query, search: '99', cursor }, 100, present);
      expect(page.items.length).toBeLessThanOrEqual(10);
      found.push(...page.items);
      cursor = page.next_cursor;
    }
    const all = Array.from({ length: 1_000 }, (_, i) => `value ${i + 1}`);
    expect(found).toEqual(all.filter((value) => value.includes('99')));
    expect(pages).toBeGreaterThanOrEqual(10);
  });

  it('goes on where it was when values have been added', () => {
    const { next_cursor } = pageOfValues(values, 's', query, 100, present);
    const grown = { size: 2_001, token: values.token };
    expect(pageOfValues(grown, 's', { ...query, cursor: next_cursor! }, 100, present).items[0]).toBe('value 11');
  });
});
