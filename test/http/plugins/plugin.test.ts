/** Plugins with a declared order. */
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import type { ServerApp } from '../../../src/http/plugins/fastify-types.ts';
import { definePlugin } from '../../../src/http/plugins/plugin.ts';

const first = definePlugin('first', [], (app: ServerApp) => {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('x-first', '1');
    done();
  });
});
const second = definePlugin('second', ['first'], () => {});

describe('a plugin', () => {
  it('applies to what is registered after it', async () => {
    const app = Fastify() as Partial<ServerApp> as ServerApp;
    await app.register(first, {});
    await app.register(second, {});
    app.get('/', () => 'answer');
    expect((await app.inject('/')).headers).toMatchObject({ 'x-first': '1' });
  });

  it('is refused before those that it names', async () => {
    const app = Fastify() as Partial<ServerApp> as ServerApp;
    await expect(async () => app.register(second, {})).rejects.toThrow('first');
  });
});
