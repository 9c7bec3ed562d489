/** The console's files over HTTP: public, with their headers; and the response without a build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { addConsoleRoutes } from '../../../src/http/console/routes.ts';
import type { ServerApp } from '../../../src/http/plugins/fastify-types.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { importUsers, openFixture } from '../fixture.ts';

const PAGE = '<!doctype html><title>console</title>';
const SCRIPT = 'console.log(1)';

function build(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), PAGE);
  writeFileSync(join(folder, '.sources'), 'hash');
  writeFileSync(join(folder, 'assets/index-a1.js'), SCRIPT);
  writeFileSync(join(folder, 'assets/index-a1.js.gz'), gzipSync(SCRIPT));
  return folder;
}

async function serve(folder: string) {
  const app = Fastify();
  app.setErrorHandler((error, _request, reply) =>
    reply.code(404).send(error instanceof AppError ? [error.code, error.message] : String(error)),
  );
  await addConsoleRoutes(app as Partial<ServerApp> as ServerApp, folder);
  return app;
}

describe('the console', () => {
  it('is a page under a policy without anything inline, which is checked each time', async () => {
    const app = await serve(build());
    const { statusCode, headers, body } = await app.inject('/console/');
    expect([statusCode, body, headers['content-type']]).toEqual([200, PAGE, 'text/html; charset=utf-8']);
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    const again = await app.inject({ url: '/console/', headers: { 'if-none-match': String(headers['etag']) } });
    expect(again.statusCode).toBe(304);
  });

  it('is found without its slash', async () => {
    const { statusCode, headers } = await (await serve(build())).inject('/console');
    expect([statusCode, headers['location']]).toEqual([308, '/console/']);
  });

  it('has files that are kept for ever, and sent compressed to who takes that', async () => {
    const app = await serve(build());
    const plain = await app.inject('/console/assets/index-a1.js');
    expect([plain.statusCode, plain.body]).toEqual([200, SCRIPT]);
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['vary']).toBe('accept-encoding');
    const packed = await app.inject({
      url: '/console/assets/index-a1.js',
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.rawPayload).toString()).toBe(SCRIPT);
  });

  it.each([
    'nothing.js',
    'assets',
    'assets/',
    '.sources',
    '../package.json',
    '%2e%2e/package.json',
    '..%5cpackage.json',
  ])('has nothing at %s', async (path) => {
    expect((await (await serve(build())).inject(`/console/${path}`)).statusCode).toBe(404);
  });

  it('says how to build it where nobody has', async () => {
    const { statusCode, body } = await (await serve(temporaryFolder())).inject('/console/');
    expect([statusCode, JSON.parse(body)]).toEqual([
      404,
      ['route_not_found', expect.stringContaining('npm run build')],
    ]);
  });

  it('needs no key of a service that needs one, whose API still does', async () => {
    const server = await openFixture(await importUsers(), { apiKey: 'secret', isPublic: true });
    expect((await server.call('GET', '/console')).status).toBe(308);
    expect([200, 404]).toContain((await server.call('GET', '/console/')).status);
    expect((await server.call('GET', '/v1/campaigns')).status).toBe(401);
    expect((await server.call('GET', '/openapi.json')).status).toBe(401);
  });
});
