/** The overlap of two audiences: by versions and cuts, with users held out, and for keys that may only read. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const KEY = 'the-operator';
const server = await openFixture(await importUsers(), { apiKey: KEY, overlapStepUsers: 20 });
const operator = { authorization: `Bearer ${KEY}` };
const call = (
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: object,
  headers: Record<string, string> = operator,
) => server.call(method, path, body, headers);

async function keyOf(body: object): Promise<Record<string, string>> {
  const { json } = await call('POST', '/v1/keys', { name: 'a key', ...body });
  return { authorization: `Bearer ${json.key}` };
}

async function campaignOf(body: object): Promise<string> {
  const { json } = await call('POST', '/v1/campaigns', { ...OK_BODY, ...body });
  await server.finishNext();
  return json.id;
}

/** Both campaigns have the same ranking, of 280 candidates. */
const id = await campaignOf({ audience: { size: 100 }, cuts: [{ name: 'ring', from_size: 50, to_size: 90 }] });
const other = await campaignOf({ audience: { size: 60 }, labels: { team: 'b' } });
const path = `/v1/campaigns/${id}/overlap/${other}`;

const exactly = (value: number) => ({ min: value, max: value });

describe('GET /v1/campaigns/{id}/overlap/{other_id}', () => {
  it('counts the users of each, of both and of either', async () => {
    const { json } = await call('GET', path);
    expect(json).toEqual({
      exact: true,
      audience: { campaign_id: id, version: 1, cut: null, from_size: 0, to_size: 100, users: exactly(100) },
      other: { campaign_id: other, version: 1, cut: null, from_size: 0, to_size: 60, users: exactly(60) },
      both: exactly(60),
      either: exactly(100),
      jaccard: exactly(0.6),
    });
  });

  it('compares versions and cuts, without users who are held out', async () => {
    const ring = (await call('GET', `${path}?cut=ring`)).json;
    expect([ring.audience.users, ring.both, ring.either]).toEqual([exactly(40), exactly(10), exactly(90)]);
    await call('PATCH', `/v1/campaigns/${other}`, { holdout_percent: 50 });
    const heldOut = (await call('GET', path)).json;
    expect(heldOut.other.version).toBe(2);
    expect(heldOut.other.users.min).toBeLessThan(60);
    expect(heldOut.both).toEqual(heldOut.other.users);
    expect((await call('GET', `${path}?other_version=1`)).json.both).toEqual(exactly(60));
  });

  it('gives ranges to a key of scope read, the same for cuts that differ by a few users', async () => {
    const reader = await keyOf({ scope: 'read' });
    const read = async (query: string) =>
      (await call('GET', `${path}?other_version=1${query}`, undefined, reader)).json;
    const whole = await read('');
    expect(whole).toMatchObject({
      exact: false,
      audience: { to_size: 100, users: { min: 100, max: 119 } },
      both: { min: 40, max: 79 },
      either: { min: 100, max: 158 },
    });
    await call('PATCH', `/v1/campaigns/${id}`, { audience: { size: 119 } });
    const { audience, ...rest } = await read('');
    expect({ ...rest, audience: { ...audience, version: 1 } }).toEqual(whole);
    expect((await read('&version=1&cut=ring')).audience).toMatchObject({ from_size: 40, to_size: 80 });
    expect((await call('GET', path)).json.exact).toBe(true);
  });

  it('hides campaigns that the labels of a key exclude, on both sides', async () => {
    const labelled = await keyOf({ scope: 'write', labels: { team: 'b' } });
    for (const hidden of [path, `/v1/campaigns/${other}/overlap/${id}`]) {
      const { status, json } = await call('GET', hidden, undefined, labelled);
      expect([status, json.code]).toEqual([404, 'campaign_not_found']);
    }
    expect((await call('GET', `/v1/campaigns/${other}/overlap/${other}`, undefined, labelled)).status).toBe(200);
  });

  it.each([
    [`/v1/campaigns/${id}/overlap/none`, 'campaign_not_found'],
    [`${path}?other_version=99`, 'audience_not_found'],
    [`${path}?other_cut=none`, 'cut_not_found'],
  ])('refuses %s', async (wrong, code) => {
    const { status, json } = await call('GET', wrong);
    expect([status, json.code]).toEqual([404, code]);
  });
});
