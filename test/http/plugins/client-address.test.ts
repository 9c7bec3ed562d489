/** The client's address, with and without proxies. */
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { clientAddress } from '../../../src/http/plugins/access/rate-limit.ts';
import { trustedProxyCheck } from '../../../src/lib/trusted-proxies.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';

let fixture: Fixture;
const population = await importUsers(['u1', 'u2']);

const open = async (config: Partial<ServerConfig>) => {
  fixture = await openFixture(population, config);
};

/** The statuses of one request for each `X-Forwarded-For`, or for each address of a connection. */
async function statuses(all: readonly (string | { readonly from: string })[]): Promise<number[]> {
  const found = [];
  for (const one of all) {
    const origin = typeof one === 'string' ? { headers: { 'x-forwarded-for': one } } : { remoteAddress: one.from };
    const { statusCode } = await fixture.app.inject({ method: 'GET', url: '/v1/limits', ...origin });
    found.push(statusCode);
  }
  return found;
}

/** Of `inject()`. */
const PROXY = '127.0.0.1';

describe('the rate limit by address', () => {
  it('trusts no X-Forwarded-For by default', async () => {
    await open({ requestsPerAddress: 1 });
    expect(await statuses(['198.51.100.1', '198.51.100.2'])).toEqual([200, 429]);
  });

  it('is that of the client behind a trusted proxy', async () => {
    await open({ requestsPerAddress: 1, trustedProxies: [PROXY] });
    expect(await statuses(['198.51.100.1', '198.51.100.2', '198.51.100.1'])).toEqual([200, 200, 429]);
  });

  it('is not escaped by what the client wrote to the left', async () => {
    await open({ requestsPerAddress: 1, trustedProxies: [PROXY, '10.0.0.0/8'] });
    const forged = ['1.1.1.1, 198.51.100.1, 10.0.0.7', '2.2.2.2, 198.51.100.1, 10.1.0.7', 'x, 198.51.100.1'];
    expect(await statuses(forged)).toEqual([200, 429, 429]);
  });

  it('counts a client once, whatever its port', async () => {
    await open({ requestsPerAddress: 1, trustedProxies: [PROXY] });
    expect(await statuses(['198.51.100.1:5000', '198.51.100.1:5001', '[2001:db8::1]:80', '[2001:db8::1]:81'])).toEqual([
      200, 429, 200, 429,
    ]);
  });

  it('counts a /64 of IPv6 as one client, and an IPv4 address in both its forms', async () => {
    await open({ requestsPerAddress: 1 });
    const from = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1', '192.0.2.1', '::ffff:192.0.2.1'];
    expect(await statuses(from.map((address) => ({ from: address })))).toEqual([200, 429, 200, 200, 429]);
  });

  it('counts clients beyond their largest number together, and forgets none for them', async () => {
    await open({ requestsPerAddress: 1, maximumRateLimitClients: 2 });
    const from = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.1'];
    expect(await statuses(from.map((address) => ({ from: address })))).toEqual([200, 200, 200, 429, 429]);
  });
});

describe('the audit log', () => {
  it('has the address of the client behind a trusted proxy', async () => {
    await open({ trustedProxies: [PROXY] });
    const headers = { 'x-forwarded-for': '9.9.9.9, 198.51.100.1', forwarded: 'for=8.8.8.8' };
    const hook = { url: 'https://example.com/', events: ['campaign.ready'] };
    expect((await fixture.call('POST', '/v1/webhooks', hook, headers)).status).toBe(201);
    expect((await fixture.store.audit.list({ limit: 1 })).items[0]).toMatchObject({ address: '198.51.100.1' });
  });
});

describe('clientAddress', () => {
  const requestOf = (ips: string[] | undefined, ip = '') => ({ ip, ips }) as unknown as FastifyRequest;

  it.each([
    ['the connection, where no proxy is trusted', requestOf(undefined, '192.0.2.1'), '192.0.2.1'],
    ['an IPv4 address that is mapped', requestOf(undefined, '::ffff:192.0.2.1'), '192.0.2.1'],
    ['an address with a zone', requestOf(undefined, 'fe80::1%eth0'), 'fe80::1'],
    ['the proxy, where it passed on what is no address', requestOf(['127.0.0.1', 'unknown']), '127.0.0.1'],
    ['the proxy before that', requestOf(['127.0.0.1', '10.0.0.7', '_hidden']), '10.0.0.7'],
  ])('is %s', (_, request, expected) => {
    expect(clientAddress(request)).toBe(expected);
  });
});

describe('trustedProxyCheck', () => {
  it.each(['proxy.internal', '10.0.0.0/33', '10.0.0/8', '', '0.0.0.0/0', '::/0', '10.0.0.1/', 'loopback'])(
    'refuses %j',
    (entry) => {
      expect(() => trustedProxyCheck([entry])).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    },
  );

  it('knows a proxy in each of its forms', () => {
    const check = trustedProxyCheck(['10.0.0.0/8', 'fd00::1']);
    const isTrusted = ['10.9.9.9', '::ffff:10.9.9.9', '11.0.0.1', 'fd00::1', 'fd00::2', 'unknown'].map(
      (address) => check !== false && check(address),
    );
    expect(isTrusted).toEqual([true, true, false, true, false, false]);
    expect(trustedProxyCheck([])).toBe(false);
  });
});
