/** Uploads and erasures in the audit log: one entry each, none if refused, and never a user id. */
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { jsonLines } from '../../fixture/json-lines.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, SEEDS } from '../fixture.ts';

const KEY = 'operators-key-of-this-test';
const AUTHORIZATION = { authorization: `Bearer ${KEY}` };
/** No address, id or name of a resource has this in it. */
const PLANTED = 'planted-user';
const LONGEST_ID = 64;
const CLICK = { user_id: PLANTED, event: 'click' };
const NDJSON = 'application/x-ndjson';

let server: Fixture;
let campaign: string;
const population = await importUsers();
beforeEach(async () => {
  server = await openFixture(population, { apiKey: KEY, maximumUserIdBytes: LONGEST_ID });
  campaign = (await server.call('POST', '/v1/campaigns', OK_BODY, AUTHORIZATION)).json.id;
});

interface Sent {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly type?: string;
  readonly encoding?: string;
  readonly body?: string | Buffer;
}

const send = ({ method, path, type, encoding, body }: Sent) =>
  server.call(method, path.replace('{id}', campaign), body, {
    ...AUTHORIZATION,
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
  });

/** The lines after the first, which is of the campaign. */
async function entries(): Promise<Record<string, unknown>[]> {
  const { text } = await server.call('GET', '/v1/audit', undefined, AUTHORIZATION);
  expect(text).not.toContain(PLANTED);
  const [first, ...others] = jsonLines(text);
  expect(first).toMatchObject({ action: 'createCampaign', resource_id: campaign });
  return others;
}

const lines = (...values: readonly (string | object)[]) =>
  values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('');
const seeds = (method: 'POST' | 'PUT', type: string, body: string | Buffer, encoding?: string): Sent => ({
  ...{ method, path: method === 'PUT' ? '/v1/campaigns/{id}/seeds' : '/v1/campaigns/{id}/seeds/add', type, body },
  ...(encoding === undefined ? {} : { encoding }),
});
const feedback = (body: string): Sent => ({
  ...{ method: 'POST', path: '/v1/campaigns/{id}/feedback', type: NDJSON, body },
});
const erasure = (id: string): Sent => ({ method: 'DELETE', path: `/v1/users/${id}` });

describe('one entry', () => {
  it.each<[string, Sent, { action: string; resource: string; isNamed: boolean; status: number }]>([
    [
      'of seeds as text',
      seeds('PUT', 'text/plain', lines(...SEEDS, PLANTED)),
      { action: 'replaceSeeds', resource: 'campaign', isNamed: true, status: 200 },
    ],
    [
      'of seeds as compressed CSV',
      seeds('PUT', 'text/csv', gzipSync(lines('user_id', ...SEEDS, PLANTED)), 'gzip'),
      { action: 'replaceSeeds', resource: 'campaign', isNamed: true, status: 200 },
    ],
    [
      'of added seeds as JSON lines',
      seeds('POST', NDJSON, lines({ user_id: PLANTED })),
      { action: 'addSeeds', resource: 'campaign', isNamed: true, status: 200 },
    ],
    [
      'of feedback',
      feedback(lines(CLICK, { user_id: SEEDS[0], event: 'conversion' })),
      { action: 'recordFeedback', resource: 'campaign', isNamed: true, status: 200 },
    ],
    ['of an erasure', erasure(PLANTED), { action: 'eraseUser', resource: 'user', isNamed: false, status: 204 }],
  ])('%s', async (_, sent, { isNamed, ...entry }) => {
    const answer = await send(sent);
    expect(answer.status).toBe(entry.status);
    expect(await entries()).toEqual([
      {
        ...{ ...entry, actor: 'admin', address: '127.0.0.1', resource_id: isNamed ? campaign : null },
        ...{ time: expect.any(String), request_id: answer.headers['x-request-id'], facts: null },
      },
    ]);
  });
});

describe('no entry', () => {
  it.each<[string, string, Sent]>([
    ['of seeds with a wrong line', 'invalid_request', seeds('PUT', NDJSON, `${lines({ user_id: PLANTED })}{"user`)],
    [
      'of seeds whose gzip is cut off',
      'invalid_request',
      seeds('PUT', 'text/plain', gzipSync(lines(...SEEDS)).subarray(0, 40), 'gzip'),
    ],
    [
      'of seeds for no campaign',
      'campaign_not_found',
      { ...seeds('PUT', 'text/plain', lines(...SEEDS)), path: '/v1/campaigns/none/seeds' },
    ],
    ['of feedback with a wrong line', 'invalid_request', feedback(`${lines(CLICK)}{"user`)],
    ['of feedback of no kind', 'invalid_request', feedback(lines(CLICK, { ...CLICK, event: 'sigh' }))],
    [
      'of feedback on no campaign',
      'campaign_not_found',
      { ...feedback(lines(CLICK)), path: '/v1/campaigns/none/feedback' },
    ],
    ['of the erasure of what is no id', 'invalid_request', erasure(PLANTED.repeat(LONGEST_ID))],
  ])('%s', async (_, code, sent) => {
    expect((await send(sent)).json.code).toBe(code);
    expect(await entries()).toEqual([]);
  });
});
