/** Seeds with features over HTTP: what is accepted, what is refused by line, counts, and limits. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
const MAXIMUM_ROWS = 4;
let fixture: Fixture;
let id: string;
beforeEach(async () => {
  fixture = await openFixture(population, { maximumSeedRows: MAXIMUM_ROWS });
  id = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
});

const VALUES = { city: 'c1', gender: null };
const send = (lines: readonly unknown[], path = '', method: 'PUT' | 'POST' = 'PUT', kind = 'seeds') =>
  fixture.call(
    method,
    `/v1/campaigns/${id}/${kind}${path}`,
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    {
      'content-type': 'application/x-ndjson',
    },
  );

async function storedSeeds(): Promise<[string, string | undefined][]> {
  const name = (await fixture.store.userSets.find({ kind: 'seeds', campaignId: id }))!;
  const blocks = [...(await fixture.store.setBlocks(name))];
  return blocks.flatMap((block) =>
    block.map((userId, i): [string, string | undefined] => [userId, block.features?.[i]]),
  );
}

describe('seeds with features', () => {
  it('count as outside unless the population has the user, and lose unknown names', async () => {
    const { status, json } = await send([
      'person-1',
      { user_id: 'person-2', features: VALUES },
      { user_id: 'stranger', features: { gender: null, city: 'c1', income: 7 }, weight: 2 },
      { features: { city: 'nowhere', gender: true } },
      { features: { city: 'nowhere', gender: true } },
      { user_id: 'nobody', features: null },
    ]);
    expect([status, json]).toMatchObject([
      200,
      { users: 6, received: 6, known: 2, unknown: 1, outside: 3, duplicate: 0, unknown_examples: ['nobody'] },
    ]);
    expect(json.sent).toMatchObject({ received: 6, outside: 3, known_percent: 66.6 });
    const stored = Object.fromEntries(await storedSeeds());
    expect(stored['stranger']).toBe('{"city":"c1","gender":null}');
    expect(Object.keys(stored).filter((name) => /^row:[0-9a-f]{64}:[12]$/.test(name))).toHaveLength(2);
    const unknown = await fixture.call('GET', `/v1/campaigns/${id}/seeds/unknown`);
    expect(unknown.text).toBe('{"user_id":"nobody"}\n');
    const expansion = await fixture.call('POST', `/v1/campaigns/${id}/expansions`);
    expect(expansion.json.seeds).toMatchObject({ received: 6, known: 2, unknown: 1, outside: 3 });
  });

  it('are the same set in another order, and are removed by the same lines', async () => {
    const rows = ['c1', 'c2', 'c1'].map((city) => ({ features: { city, gender: 'f' } }));
    await send(rows);
    const stored = await storedSeeds();
    await send([...rows.toReversed()]);
    expect(await storedSeeds()).toEqual(stored);
    const added = await send(['person-1', rows[1]!], '/add', 'POST');
    expect(added.json).toMatchObject({ users: 4, known: 1, outside: 3, duplicate: 1 });
    const removed = await send([rows[0]!], '/remove', 'POST');
    expect(removed.json).toMatchObject({ users: 3, outside: 2 });
  });

  it('fill a set alone', async () => {
    const { json } = await send([{ user_id: 'a', features: VALUES }]);
    expect(json).toMatchObject({ users: 1, known: 0, unknown: 0, outside: 1, sent: { known_percent: 100 } });
  });

  it.each<[unknown, string]>([
    [{ user_id: 'a', features: { city: 'c1' } }, 'the feature "gender" is absent: write null for an unknown value'],
    [{ user_id: 'a', features: { city: 1.5, gender: null } }, 'the feature "city" is a number that is not whole'],
    [{ user_id: 'a', features: { city: ['c1'], gender: null } }, 'the feature "city" is a list'],
    [{ user_id: 'a', features: ['c1'] }, 'the features are a list; an object is expected'],
    [{ user_id: 7, features: VALUES }, 'a user id must be'],
    [{ features: VALUES, weight: 0 }, 'a weight must be above 0'],
  ])('are refused with the line: %j', async (line, message) => {
    const { status, json } = await send(['person-1', line]);
    expect([status, json.code, json.errors]).toMatchObject([400, 'invalid_request', [{ pointer: 'line 2' }]]);
    expect(json.errors[0].message).toContain(message);
  });

  it('are limited in an upload and in a set', async () => {
    const rows = Array.from({ length: MAXIMUM_ROWS + 1 }, (_, i) => ({ user_id: `x${i}`, features: VALUES }));
    const tooMany = { status: 413, json: { code: 'too_many_seeds', errors: [{ limit: MAXIMUM_ROWS }] } };
    expect(await send(rows)).toMatchObject(tooMany);
    expect((await send(rows.slice(1))).status).toBe(200);
    expect(await send(rows.slice(0, 1), '/add', 'POST')).toMatchObject(tooMany);
  });

  it('are ignored in negatives', async () => {
    const { json } = await send([{ user_id: 'a', features: 3 }], '', 'PUT', 'negatives');
    expect(json).toMatchObject({ users: 1, unknown: 1 });
  });
});
