/** Rate limits: by address and by key, told in headers, and off unless they are set. */
import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';

const KEY = { authorization: 'Bearer a-key-of-16-chars' };

let fixture: Fixture;
let clock: ManualClock;
const population = await importUsers(['u1', 'u2']);

const open = async (config: Partial<ServerConfig>) => {
  clock = manualClock();
  fixture = await openFixture(population, config, { clock });
};
const get = async (headers: Record<string, string> = {}, path = '/v1/limits') => {
  const { status, headers: answered } = await fixture.call('GET', path, undefined, headers);
  return { status, limit: answered['ratelimit-limit'], left: answered['ratelimit-remaining'], headers: answered };
};

describe('a rate limit', () => {
  it('is off by default, and costs no header', async () => {
    await open({});
    for (let i = 0; i < 50; i++) expect(await get()).toMatchObject({ status: 200, limit: undefined });
  });

  it('of an address ends with its window', async () => {
    await open({ requestsPerAddress: 3 });
    const left = [];
    for (let i = 0; i < 3; i++) left.push(String((await get()).left));
    expect(left).toEqual(['2', '1', '0']);
    const { status, headers } = await get();
    expect([status, headers['retry-after'], headers['ratelimit-reset']].map(String)).toEqual(['429', '1', '1']);
    clock.pass(1_000);
    expect((await get()).status).toBe(200);
  });

  it('of an address counts wrong keys, and neither health nor metrics', async () => {
    await open({ requestsPerAddress: 2, apiKey: 'a-key-of-16-chars' });
    expect((await get({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await get()).status).toBe(401);
    expect((await get({ authorization: 'Bearer wrong again' })).status).toBe(429);
    for (const path of ['/livez', '/readyz', '/metrics']) expect((await get({}, path)).status).toBe(200);
  });

  it('of a key is told where it is the closer one', async () => {
    await open({ requestsPerAddress: 10, requestsPerKey: 2, apiKey: 'a-key-of-16-chars' });
    expect(await get(KEY)).toMatchObject({ status: 200, limit: '2', left: '1' });
    expect((await get(KEY)).status).toBe(200);
    expect((await get(KEY)).status).toBe(429);
    // without a key it is the address alone that is counted
    expect(await get()).toMatchObject({ status: 401, limit: '10' });
  });
});
