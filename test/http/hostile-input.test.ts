/** Checks the statements of the threat model (docs/threat-model.md), one test for each attack. */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createAddressGuard } from '../../src/service/webhooks/address-guard.ts';
import { post } from '../../src/service/webhooks/deliver.ts';
import { importUsers, OK_BODY, openFixture } from './fixture.ts';
import { openReceiver } from './webhooks/receiver.ts';

const FORMULAS = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx'];
const PLAIN = Array.from({ length: 60 }, (_, i) => `person-${i}`);

const population = await importUsers([...PLAIN, ...FORMULAS]);
const fixture = await openFixture(population, { maximumUploadBytes: 100_000 });

describe('a path that leads out', () => {
  it.each([
    '/v1/campaigns/{}',
    '/v1/campaigns/{}/audience',
    '/v1/campaigns/{}/seeds',
    '/v1/campaigns/{}/expansions/{}',
    '/v1/webhooks/{}',
    '/v1/campaigns/{}/audience/members/{}',
    '/v1/models/current/features/{}/values',
    '/docs/errors/{}',
    '/docs/static/{}',
  ])('finds nothing at %s', async (route) => {
    writeFileSync(join(fixture.dataDir, 'planted.txt'), 'planted secret');
    for (const up of [
      '..%2Fplanted.txt',
      '..%2F..%2F..%2Fetc%2Fpasswd',
      '%2Fetc%2Fpasswd',
      '..%5Cplanted.txt',
      '%00',
    ]) {
      const { status, text } = await fixture.call('GET', route.replaceAll('{}', up));
      expect([up, status >= 400 && status < 500]).toEqual([up, true]);
      expect(text).not.toMatch(/planted secret|root:/);
    }
  });

  it('is no version of a population', async () => {
    for (const version of ['..%2F..%2Fetc', '.%2F', '%2Ftmp', '..%00']) {
      const path = `/v1/populations/${version}`;
      for (const { status } of [
        await fixture.call('POST', `${path}/activate`),
        await fixture.call('GET', path),
        await fixture.call('GET', `${path}/changes?since=0123456789ab`),
        await fixture.call('GET', `/v1/populations/0123456789ab/changes?since=${version}`),
      ])
        expect([400, 404]).toContain(status);
    }
  });
});

describe('a bomb of gzip', () => {
  it('is refused by its unpacked size', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 'person-1\n'));
    expect(bomb.length).toBeLessThan(100_000);
    const { status, json } = await fixture.call('PUT', '/v1/suppression', bomb, {
      'content-type': 'text/plain',
      'content-encoding': 'gzip',
    });
    expect([status, json.code]).toEqual([413, 'body_too_large']);
  });

  it('is refused in JSON, which is never unpacked', async () => {
    const { status } = await fixture.call('POST', '/v1/campaigns', gzipSync(JSON.stringify(OK_BODY)), {
      'content-encoding': 'gzip',
    });
    expect([400, 415]).toContain(status);
  });
});

describe('a user id that is a formula', () => {
  const csv = async (path: string) => (await fixture.call('GET', path, undefined, { accept: 'text/csv' })).text;

  it('is text with csv_safe, and as it is without', async () => {
    const id = await fixture.createReady({ ...OK_BODY, audience: { size: 60 } });
    const path = `/v1/campaigns/${id}/audience`;
    const idsOf = (text: string) => [...text.matchAll(/^\d+,"?(.*?)"?,[\d.e-]+,[\d.]+\r$/gm)].map(([, field]) => field);
    const [plain, safe] = [idsOf(await csv(path)), idsOf(await csv(`${path}?csv_safe=true`))];
    expect(plain).toEqual(expect.arrayContaining(FORMULAS));
    expect(safe).toEqual(plain.map((field) => (FORMULAS.includes(field!) ? `'${field}` : field)));
    expect(idsOf(await csv(`${path}?csv_safe=true&limit=100`))).toEqual(safe);
    expect(idsOf(await csv(`${path}?csv_safe=false`))).toEqual(plain);
  });

  it('is so in differences too, and each has its own ETag', async () => {
    const id = await fixture.createReady({ ...OK_BODY, audience: { size: 60 } });
    await fixture.call('PATCH', `/v1/campaigns/${id}`, { audience: { size: 10 } });
    const path = `/v1/campaigns/${id}/audiences/1/diff/2`;
    expect(await csv(path)).toContain('removed,=1+1\r\n');
    expect(await csv(`${path}?csv_safe=true`)).toContain("removed,'=1+1\r\n");
    const tagOf = async (url: string) =>
      (await fixture.call('GET', url, undefined, { accept: 'text/csv' })).headers['etag'];
    expect(await tagOf(path)).not.toBe(await tagOf(`${path}?csv_safe=true`));
  });
});

describe('a webhook', () => {
  it('whose name changes its answer goes to the address that was checked, or nowhere', async () => {
    const receiver = await openReceiver();
    const answers = ['93.184.216.34', '127.0.0.1'];
    let asked = 0;
    const guard = createAddressGuard([], (_host, _options, done) => {
      asked += 1;
      done(null, [{ address: answers[Math.min(asked, answers.length) - 1]!, family: 4 }]);
    });
    // the URL and the first DNS answer are valid; the second is that of a rebinding name when it is called
    guard.checkUrl(`https://rebind.example:${receiver.port}/`);
    const pinned = await new Promise((resolve) =>
      guard.lookup('rebind.example', { family: 4 }, (_error, address) => resolve(address)),
    );
    expect(pinned).toBe('93.184.216.34');
    const result = await post(new URL(`http://rebind.example:${receiver.port}/`), {}, '{}', {
      lookup: guard.lookup,
      timeoutMs: 5_000,
      answerBytes: 100,
      signal: new AbortController().signal,
    });
    expect(result).toMatchObject({ status: null, error: 'address_refused' });
    // one question for each connection: its answer is checked and connected to, and nothing asks again
    expect([asked, receiver.received.length]).toEqual([2, 0]);
    await receiver.close();
  });

  it.each(['https://example.com/\r\nx-planted: 1', 'https://exa\r\nmple.com/', 'https://example.com/?a\n=b', '\r\n'])(
    'of a URL with line breaks sends none: %j',
    async (url) => {
      const { status, json } = await fixture.call('POST', '/v1/webhooks', { url });
      expect([status, json.code]).toEqual([400, 'webhook_url_refused']);
    },
  );
});

describe('a prototype', () => {
  it.each([
    ['__proto__', '{"name":"x","audience":{"size":1},"seeds":null,"labels":{"__proto__":{"planted":1}}}'],
    ['constructor', '{"name":"x","audience":{"size":1},"seeds":null,"constructor":{"prototype":{"planted":1}}}'],
    ['a label', '{"name":"x","audience":{"size":1},"seeds":null,"labels":{"constructor":{"prototype":1}}}'],
  ])('is not reached by %s', async (_name, body) => {
    expect((await fixture.call('POST', '/v1/campaigns', body)).status).toBe(400);
    expect(({} as Record<string, unknown>)['planted']).toBeUndefined();
  });

  it('is not reached by a query, and its names are no errors or features', async () => {
    expect((await fixture.call('GET', '/v1/campaigns?__proto__[planted]=1')).status).toBe(400);
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect((await fixture.call('GET', `/docs/errors/${name}`)).status).toBe(404);
    expect(({} as Record<string, unknown>)['planted']).toBeUndefined();
  });
});

describe('a header', () => {
  it('is not made of what a request says', async () => {
    await fixture.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = fixture.app.server.address() as AddressInfo;
    const paths = ['/v1/campaigns/a%0D%0Ax-planted:%201', '/v1/campaigns?cursor=a%0D%0Ax-planted:%201'];
    for (const path of paths) {
      const headers = await new Promise<object>((resolve, reject) => {
        request({ port, path, headers: { 'x-request-id': 'a b: c' } }, (response) => {
          response.resume();
          resolve(response.headers);
        })
          .on('error', reject)
          .end();
      });
      expect(headers).not.toHaveProperty('x-planted');
      expect(headers).toHaveProperty('x-request-id', expect.stringMatching(/^[\w-]{36}$/));
    }
  });

  it('with a line break is refused before it is sent on', async () => {
    const { status } = await fixture.call('POST', '/v1/campaigns', OK_BODY, { 'idempotency-key': 'a\tb' });
    expect(status).toBe(400);
  });
});
