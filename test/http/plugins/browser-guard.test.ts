/** Foreign hosts and origins, CORS, and the headers of the service's own pages. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { nameOfHost } from '../../../src/http/plugins/access/browser-guard.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../fixture.ts';
import { listen } from '../sockets.ts';

const APP = 'https://app.example.com';

let fixture: Fixture;
const population = await importUsers(['u1', 'u2']);
const open = async (config: Partial<ServerConfig> = {}) => {
  fixture = await openFixture(population, config);
};
const get = (headers: Record<string, string>, path = '/v1/limits') => fixture.call('GET', path, undefined, headers);
const refusal = async (headers: Record<string, string>, path?: string) => {
  const { status, json } = await get(headers, path);
  return [status, json.code];
};

/** Over a socket: the document knows no OPTIONS, nor that answers vary by origin. */
async function send(method: 'GET' | 'OPTIONS', path: string, headers: Record<string, string>) {
  const port = await listen(fixture);
  const [response] = (await once(request({ port, path, method, headers }).end(), 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, text: (await response.toArray()).join('') };
}

describe('a Host, without a key,', () => {
  beforeAll(() => open());

  it.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:8080', 'localhost.'])(
    'of loopback is served without a key: %s',
    async (host) => {
      expect((await get({ host })).status).toBe(200);
    },
  );

  it.each(['rebound.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080', '[::2]', '10.0.0.1', 'a:b:c'])(
    'of others is refused on every route, before anything is done: %s',
    async (host) => {
      for (const path of ['/v1/campaigns', '/livez', '/metrics', '/docs', '/nowhere'])
        expect(await refusal({ host }, path)).toEqual([421, 'foreign_host']);
      const made = await fixture.call('POST', '/v1/campaigns', OK_BODY, { host });
      expect([made.status, made.json.code]).toEqual([421, 'foreign_host']);
      expect((await get({}, '/v1/campaigns')).json.items).toEqual([]);
    },
  );
});

describe('a Host', () => {
  it('that the operator names is served, the others of loopback too', async () => {
    await open({ allowedHosts: ['metaheac.internal', 'fd00::1'] });
    for (const host of ['metaheac.internal:80', '[fd00::1]:8080', 'localhost'])
      expect((await get({ host })).status).toBe(200);
    expect(await refusal({ host: 'other.internal' })).toEqual([421, 'foreign_host']);
  });

  it('may be any with a key', async () => {
    await open({ apiKey: 'a-key-of-16-chars' });
    expect((await get({ host: 'any.example', authorization: 'Bearer a-key-of-16-chars' })).status).toBe(200);
  });

  it('is read without port, brackets and last dot', () => {
    expect(['A.b:1', 'a.b.', '[::1]:2', '::1', ''].map(nameOfHost)).toEqual(['a.b', 'a.b', '::1', '::1', '']);
  });
});

describe('an Origin', () => {
  it('of the service itself is served', async () => {
    await open();
    expect((await get({ host: 'localhost:8080', origin: 'http://localhost:8080' })).status).toBe(200);
  });

  it.each(['https://evil.example', 'null', 'http://localhost:3000', 'http://127.0.0.1:8080', '://localhost:8080'])(
    'of others is refused, with a key and without: %s',
    async (origin) => {
      for (const apiKey of [null, 'a-key-of-16-chars']) {
        await open({ apiKey });
        const headers = { host: 'localhost:8080', origin, authorization: 'Bearer a-key-of-16-chars' };
        expect(await refusal(headers)).toEqual([403, 'foreign_origin']);
      }
    },
  );

  it('of other pages cannot post a body that needs no preflight', async () => {
    await open();
    const { status, json } = await fixture.call('PUT', '/v1/suppression', 'u1\n', {
      'content-type': 'text/plain',
      origin: 'https://evil.example',
    });
    expect([status, json.code]).toEqual([403, 'foreign_origin']);
    expect((await get({}, '/v1/suppression')).json.users).toBe(0);
  });

  it('gets no CORS headers unless it is configured, exactly', async () => {
    await open({ corsOrigins: [APP] });
    for (const origin of [`${APP}.evil.example`, 'http://app.example.com', `${APP}:8443`])
      expect(await send('GET', '/v1/limits', { origin })).toMatchObject({
        status: 403,
        headers: expect.not.objectContaining(allowing(origin)),
      });
    expect((await send('GET', '/v1/limits', {})).headers['access-control-allow-origin']).toBeUndefined();
  });
});

const allowing = (origin: string) => ({ 'access-control-allow-origin': origin });

describe('CORS', () => {
  it('is off by default: a preflight is refused', async () => {
    await open();
    const answer = await send('OPTIONS', '/v1/limits', { origin: APP, 'access-control-request-method': 'GET' });
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('answers a preflight of a configured origin without a key, and lets no credentials through', async () => {
    await open({ corsOrigins: [APP], apiKey: 'a-key-of-16-chars' });
    const answer = await send('OPTIONS', '/v1/campaigns', { origin: APP, 'access-control-request-method': 'POST' });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({ ...allowing(APP), vary: 'Origin' });
    expect(answer.headers['access-control-allow-methods']).toContain('PATCH');
    expect(answer.headers['access-control-allow-headers']).toContain('Authorization');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect((await send('GET', '/v1/limits', { origin: APP })).status).toBe(401);
  });

  it('lets the page read answers and errors, and tells caches', async () => {
    await open({ corsOrigins: [APP] });
    for (const path of ['/v1/limits', '/v1/campaigns/none']) {
      const { headers } = await send('GET', path, { origin: APP });
      expect(headers).toMatchObject({ ...allowing(APP), vary: 'Origin' });
      expect(headers['access-control-expose-headers']).toContain('ETag');
    }
    expect((await send('GET', '/docs/errors', { origin: APP })).headers.vary).toBe('accept, Origin');
  });
});

describe('pages', () => {
  it.each(['/docs', '/docs/static/index.html', '/docs/errors', '/docs/errors/internal'])(
    'cannot be framed, load nothing from elsewhere, and tell nobody where they are: %s',
    async (path) => {
      await open();
      const { headers, status } = await get({ accept: 'text/html' }, path);
      expect(status).toBeLessThan(400);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(headers['strict-transport-security']).toBeUndefined();
      const policy = String(headers['content-security-policy']);
      expect(policy).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
      expect(policy).not.toMatch(/https?:|\*|script-src[^;]*unsafe/);
    },
  );

  it('need no script but those files that the policy allows', async () => {
    await open();
    const { text } = await get({ accept: 'text/html' }, '/docs');
    expect(text).toContain('<script');
    for (const [tag] of text.matchAll(/<script[^>]*>/g)) expect(tag).toMatch(/ src="\.?\/[^/"]/);
  });

  it('and all else are not sniffed', async () => {
    await open();
    for (const path of ['/v1/limits', '/livez', '/openapi.json', '/nowhere'])
      expect((await get({}, path)).headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
  });

  it('with a secret are stored nowhere', async () => {
    await open();
    const made = await fixture.call('POST', '/v1/webhooks', { url: 'https://example.com/' });
    const rotated = await fixture.call('POST', `/v1/webhooks/${made.json.id}/rotate`);
    for (const { headers, json } of [made, rotated]) {
      expect(json.secret).toMatch(/^whsec_/);
      expect(headers).toMatchObject({ 'cache-control': 'no-store' });
    }
  });
});
