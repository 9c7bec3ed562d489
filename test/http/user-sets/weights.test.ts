/** Weights of seeds over HTTP: every format, what is refused, and what changes of a set do to them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { weightAt } from '../../../src/domain/id-blocks.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
let fixture: Fixture;
let id: string;
beforeEach(async () => {
  fixture = await openFixture(population);
  id = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
});

const send = (method: 'PUT' | 'POST', path: string, body: unknown, type = 'application/json') =>
  fixture.call(method, `/v1/campaigns/${id}/seeds${path}`, body, { 'content-type': type });
const weighted = (...entries: [string, number][]) => ({
  user_ids: entries.map(([user_id, weight]) => ({ user_id, weight })),
});

async function seedsOf(campaignId = id): Promise<[string, number][]> {
  const name = (await fixture.store.userSets.find({ kind: 'seeds', campaignId }))!;
  const blocks = [...(await fixture.store.setBlocks(name))];
  return blocks.flatMap((block) => block.map((userId, i): [string, number] => [userId, weightAt(block, i)]));
}

const SEEDS: [string, number][] = [
  ['person-1', 2.5],
  ['person-2', 1],
  ['person-3', 0.001],
];

describe('weights of seeds', () => {
  it.each([
    ['text/csv', 'weight,user_id\n7,person-1\n,person-2\n1e-3,person-3\n2.5,person-1\n'],
    [
      'application/x-ndjson',
      '{"user_id":"person-1","weight":2.5}\n"person-2"\n{"weight":0.001,"user_id":"person-3"}\n',
    ],
    [
      'application/json',
      { user_ids: [{ user_id: 'person-1', weight: 2.5 }, 'person-2', { ...named('person-3', 0.001) }] },
    ],
  ])('are taken from %s', async (type, body) => {
    const { status, json } = await send('PUT', '', body, type);
    expect([status, json.weights]).toEqual([200, { min: 0.001, median: 1, max: 2.5, distinct: 3 }]);
    expect(await seedsOf()).toEqual(SEEDS);
  });

  it('are taken with a new campaign', async () => {
    const seeds = ['person-4', ...weighted(['person-5', 3], ['person-4', 2]).user_ids, 'person-5'];
    const made = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, external_id: 'weighted', seeds });
    expect([made.status, await seedsOf(made.json.id)]).toEqual([
      202,
      [
        ['person-4', 2],
        ['person-5', 1],
      ],
    ]);
  });

  it.each<[string, unknown, string]>([
    ['text/csv', 'user_id,weight\nperson-1,1\nperson-2,0\n', 'line 3'],
    ['text/csv', 'user_id,weight\nperson-1,-2\n', 'line 2'],
    ['text/csv', 'user_id,weight\nperson-1,much\n', 'line 2'],
    ['text/csv', 'user_id,weight\nperson-1,0x10\n', 'line 2'],
    ['text/csv', 'user_id,weight\nperson-1,1000001\n', 'line 2'],
    ['application/x-ndjson', '"person-1"\n{"user_id":"person-2","weight":"2"}\n', 'line 2'],
    ['application/x-ndjson', '{"user_id":"person-2","weight":null}\n', 'line 1'],
    ['application/x-ndjson', '{"user_id":"person-2","weight":1e999}\n', 'line 1'],
    ['application/json', weighted(['person-1', 1], ['person-2', 0]), '/user_ids/1'],
    ['application/json', weighted(['person-1', 1e-7]), '/user_ids/0'],
    ['application/json', { user_ids: [{ user_id: 'person-1', score: 2 }] }, '/user_ids/0'],
  ])('are refused in %s with the line: %j', async (type, body, pointer) => {
    const before = await seedsOf();
    const { status, json } = await send('PUT', '', body, type);
    expect([status, json.code, json.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
    expect(await seedsOf()).toEqual(before);
  });

  it('of other seeds stay when seeds are added, removed or erased', async () => {
    await send('PUT', '', weighted(...SEEDS));
    const preview = await send('POST', '/add?dry_run=true', weighted(['person-9', 9]));
    expect(preview.json.weights).toEqual({ min: 0.001, median: 1, max: 9, distinct: 4 });
    await send('POST', '/add', { user_ids: ['person-1', 'person-4'] });
    expect(await seedsOf()).toEqual([['person-1', 1], ...SEEDS.slice(1), ['person-4', 1]]);
    await send('POST', '/remove', { user_ids: ['person-2'] });
    expect(await seedsOf()).toEqual([['person-1', 1], SEEDS[2], ['person-4', 1]]);
    await fixture.store.eraseUsers(['person-3']);
    expect(await seedsOf()).toEqual([
      ['person-1', 1],
      ['person-4', 1],
    ]);
    expect((await fixture.call('GET', `/v1/campaigns/${id}/seeds`)).json.weights).toBeUndefined();
  });

  it('make an expansion necessary', async () => {
    const needs = async () => (await fixture.call('GET', `/v1/campaigns/${id}`)).json.needs_expansion;
    expect(await needs()).toBe(false);
    await send('PUT', '', { user_ids: OK_BODY.seeds.map((user_id, i) => ({ user_id, weight: i + 1 })) });
    expect(await needs()).toBe(true);
    await send('PUT', '', { user_ids: OK_BODY.seeds });
    expect(await needs()).toBe(false);
  });

  it('are not read for lists of other users', async () => {
    const list = await fixture.call('PUT', '/v1/suppression', 'user_id,weight\nperson-1,none\n', {
      'content-type': 'text/csv',
    });
    expect([list.status, list.json.weights]).toEqual([200, undefined]);
  });
});

function named(user_id: string, weight: number) {
  return { user_id, weight };
}
