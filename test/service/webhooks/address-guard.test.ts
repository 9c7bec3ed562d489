/** Where webhooks may go: the table of addresses, URLs, and what the operator allows. */
import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { createAddressGuard, isPublicAddress, type Resolve } from '../../../src/service/webhooks/address-guard.ts';

describe('isPublicAddress', () => {
  it.each([
    ['loopback', '127.0.0.1', '127.255.255.255', '::1'],
    ['unspecified', '0.0.0.0', '0.1.2.3', '::'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1', 'fec0::1'],
    ['shared by carriers', '100.64.0.1', '100.127.255.255'],
    ['link-local and metadata', '169.254.169.254', 'fe80::1', 'fe80::1%lo', 'fd00:ec2::254'],
    ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1'],
    ['reserved and broadcast', '240.0.0.1', '255.255.255.255'],
    [
      'benchmarks and documentation',
      '198.18.0.1',
      '192.0.2.1',
      '198.51.100.1',
      '203.0.113.1',
      '2001:db8::1',
      '3fff::1',
    ],
    ['protocol assignments', '192.0.0.8', '192.0.0.170', '2001:2::1', '100::1', '5f00::1'],
    ['IPv4 in IPv6, mapped', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:0a00:1'],
    ['IPv4 in IPv6, compatible and translated', '::127.0.0.1', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::10.0.0.1'],
    ['6to4 and Teredo', '2002:7f00:1::', '2001:0:1::1', '192.88.99.1'],
    ['anycast of AS112 and AMT', '192.31.196.1', '192.175.48.1', '192.52.193.1', '2620:4f:8000::1'],
    ['no addresses', '', 'example.com', '1.2.3', '256.1.1.1', '0177.0.0.1', '134744072', '0x8080808'],
  ])('refuses %s', (_name, ...addresses) => {
    for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  it('takes public ones, also those beside a refused range', () => {
    const addresses = [
      '8.8.8.8',
      '1.1.1.1',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
    ];
    const more = ['128.0.0.1', '169.253.255.255', '172.15.255.255', '172.32.0.0', '192.167.255.255', '198.17.255.255'];
    const ipv6 = ['2606:4700:4700::1111', '2001:4860:4860::8888', '2a00:1450::1', '2001:200::1', '2003::1'];
    for (const address of [...addresses, ...more, '223.255.255.255', ...ipv6])
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
  });
});

describe('checkUrl', () => {
  const guard = createAddressGuard([]);

  it.each([
    'https://example.com/hook?a=b',
    'https://8.8.8.8/',
    'https://[2606:4700::1]:8443/x',
    'https://bücher.example/',
    'HTTPS://Example.com.:8443',
    'https://xn--bcher-kva.example/a@b?c=%65',
    'https://[2606:4700:0:0::1]/',
  ])('takes %s', (url) => {
    expect(guard.checkUrl(url).protocol).toBe('https:');
  });

  it.each([
    ['is not a URL', '', 'example.com', '//example.com', 'https://', 'https://[::1', 'https://256.1.1.1/'],
    ['has no host', 'https:///x', 'https:example.com', 'https:/example.com/', 'https:////example.com', 'https:\\\\a.b'],
    ['contains a backslash', 'https://example.com\\x', 'https://example.com/a\\b'],
    ['contains a fragment, which is never sent', 'https://example.com/#a', 'https://example.com#'],
    ['has the port 0', 'https://example.com:0/', 'https://example.com:00000'],
    ['has a host with percent-encoded characters', 'https://%65xample.com/'],
    ['has a host with invisible characters', 'https://exa\u00admple.com/', 'https://a\u200bb.example/'],
    ['has a host with an empty part', 'https://.', 'https://..', 'https://.example.com/', 'https://a..example.com/'],
    ['does not write the address as four numbers', 'https://134744072/', 'https://8.8.2056/', 'https://0x8.8.8.8/'],
    ['has a host of more than 253 characters', `https://${'a.'.repeat(130)}example/`],
    ['has a host with a part of more than 63 characters', `https://${'a'.repeat(64)}.example/`],
    ['is not https', 'http://example.com/', 'ftp://example.com/', 'file:///etc/passwd', 'javascript:alert(1)'],
    [
      'contains a user name or password',
      'https://user@example.com/',
      'https://:secret@example.com/',
      'https://@a.example/',
    ],
    [
      'names a loopback, private or reserved address',
      'https://127.0.0.1/',
      'https://localhost/',
      'https://LOCALHOST./',
      'https://a.localhost/',
      'https://10.0.0.1/',
      'https://[::1]/',
      'https://[::ffff:127.0.0.1]/',
      'https://[fd00::1]/',
      'https://169.254.169.254/latest/meta-data',
      // other spellings of 127.0.0.1
      'https://2130706433/',
      'https://0x7f.1/',
      'https://0177.0.0.1/',
      'https://127.1/',
      'https://１２７.0.0.1/',
    ],
  ])('refuses what %s', (message, ...urls) => {
    for (const url of urls) {
      const details = [expect.objectContaining({ pointer: '/url', message })];
      expect(() => guard.checkUrl(url), url).toThrow(expect.objectContaining({ code: 'webhook_url_refused', details }));
    }
  });

  it('never repeats a password', () => {
    try {
      guard.checkUrl('https://user:secret@example.com/');
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify([error, (error as Error).message])).not.toContain('secret');
    }
  });

  it('takes what the operator allows: hosts by http too, and addresses of a CIDR', () => {
    const open = createAddressGuard(['Hooks.Internal', '127.0.0.1', '::1', '10.1.0.0/16', 'fd00::/8']);
    for (const url of ['http://hooks.internal:8080/', 'http://hooks.internal./', 'http://127.0.0.1/', 'http://[::1]/'])
      expect(open.checkUrl(url).href).toContain('http:');
    expect(open.checkUrl('https://10.1.2.3/').hostname).toBe('10.1.2.3');
    expect(open.checkUrl('http://[fd12::1]/').hostname).toBe('[fd12::1]');
    for (const url of ['http://other.internal/', 'https://127.0.0.2/', 'https://10.2.0.1/', 'http://a.hooks.internal/'])
      expect(() => open.checkUrl(url), url).toThrow();
  });

  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    'a/b',
    'http://a',
    'a:80',
    'u@a',
    'a b',
    '*.example.com',
    '[::1]',
  ])('is not made with the entry %j', (entry) => {
    expect(() => createAddressGuard([entry])).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('lookup', () => {
  const dns =
    (...addresses: string[]): Resolve =>
    (_host, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  const lookUp = (resolve: Resolve, allowed: string[] = [], all = true) =>
    new Promise<string | LookupAddress[]>((done, fail) => {
      createAddressGuard(allowed, resolve).lookup('name.example', { all }, (error, address) =>
        error === null ? done(address) : fail(error),
      );
    });

  it('returns all addresses, or the first', async () => {
    const addresses = [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ];
    expect(await lookUp(dns('8.8.8.8', '2606:4700::1'))).toEqual(addresses);
    expect(await lookUp(dns('8.8.8.8', '2606:4700::1'), [], false)).toBe('8.8.8.8');
  });

  it('refuses a host with one address that is refused among good ones', async () => {
    await expect(lookUp(dns('8.8.8.8', '10.0.0.1'))).rejects.toMatchObject({ code: 'address_refused' });
    await expect(lookUp(dns('::ffff:127.0.0.1'), [], false)).rejects.toMatchObject({ code: 'address_refused' });
  });

  it('takes any address of an allowed host, and an allowed address of any host', async () => {
    expect(await lookUp(dns('10.0.0.1'), ['name.example'], false)).toBe('10.0.0.1');
    expect(await lookUp(dns('10.0.0.1'), ['10.0.0.0/8'], false)).toBe('10.0.0.1');
    await expect(lookUp(dns('10.0.0.1'), ['10.1.0.0/16', 'other.example'])).rejects.toMatchObject({
      code: 'address_refused',
    });
  });

  it('hands on what the resolver says', async () => {
    const fails: Resolve = (_host, _options, done) => done(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), []);
    await expect(lookUp(fails)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(lookUp(dns())).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});
