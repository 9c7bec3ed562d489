/** Requests that are not answered yet. */
import fastify from 'fastify';
import { expect, it } from 'vitest';
import { OpenRequests } from '../../../src/http/plugins/connections/open-requests.ts';

it('lets go of what is answered while its connection stays', async () => {
  const requests = new OpenRequests();
  const app = fastify();
  const seen: number[] = [];
  app.addHook('onRequest', (request, reply, done) => {
    // injected: its connection is never closed
    requests.add(request.raw, reply.raw);
    done();
  });
  app.get('/', ({ raw }) => {
    seen.push(requests.all().length, requests.of(raw.socket).length);
    return '';
  });
  for (let i = 0; i < 3; i++) await app.inject('/');
  await new Promise(setImmediate);
  expect(seen).toEqual([1, 1, 1, 1, 1, 1]);
  expect(requests.all()).toEqual([]);
  await app.close();
});
