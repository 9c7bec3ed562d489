/** Content negotiation. */
import Fastify, { type FastifyRequest } from 'fastify';
import { beforeAll, describe, expect, it } from 'vitest';
import { acceptsGzip, negotiate, negotiateContent } from '../../../src/http/plugins/accept.ts';
import type { ServerApp } from '../../../src/http/plugins/fastify-types.ts';

const app = Fastify() as Partial<ServerApp> as ServerApp;
let ask: (request: FastifyRequest) => unknown;
beforeAll(async () => {
  await negotiateContent(app);
  app.get('/', (request, reply) => {
    try {
      reply.send({ said: ask(request) });
    } catch (error) {
      reply.send({ code: (error as { readonly code: string }).code });
    }
  });
});

/** The result of `question` for a request with this header. */
async function asked(name: string, value: string | undefined, question: typeof ask) {
  ask = question;
  return (await app.inject({ url: '/', headers: value === undefined ? {} : { [name]: value } })).json();
}

const OFFERS = ['application/json', 'application/x-ndjson', 'text/csv'] as const;

describe('negotiate', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['Text/CSV; charset=utf-8', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/*', 'application/json'],
    ['text/html, application/x-ndjson', 'application/x-ndjson'],
    ['application/json;q=0.5, text/csv;q=0.8', 'text/csv'],
    ['application/json;q=0, */*', 'application/x-ndjson'],
    ['*/*;q=0.1, text/csv;q=0.2', 'text/csv'],
    ['application/problem+json, */*;q=0.5', 'application/json'],
    ['text/csv, application/x-ndjson', 'text/csv'],
    ['*/*, text/csv', 'text/csv'],
  ])('of %j takes %s', async (accept, expected) => {
    expect(await asked('accept', accept, (request) => negotiate(request, OFFERS))).toEqual({ said: expected });
  });

  it.each(['image/png', 'text/html', '*/*;q=0', 'application/json;q=x', 'nonsense'])(
    'finds nothing for %j',
    async (accept) => {
      const answer = await asked('accept', accept, (request) => negotiate(request, OFFERS));
      expect(answer).toEqual({ code: 'not_acceptable' });
    },
  );
});

describe('a long header', () => {
  it('is read to its limit', async () => {
    const long = `text/csv;q=0.5, ${'a/a, '.repeat(300)}application/json`;
    expect(await asked('accept', long, (request) => negotiate(request, OFFERS))).toEqual({ said: 'text/csv' });
    expect(await asked('accept-encoding', `${'br, '.repeat(300)}gzip`, acceptsGzip)).toEqual({ said: false });
  });
});

describe('acceptsGzip', () => {
  it.each(['gzip', 'GZIP', 'x-gzip', 'deflate, gzip;q=0.5', '*', '*;q=0.1', 'gzip, identity', 'br;q=1, gzip;q=0.2'])(
    'says yes of %s',
    async (header) => {
      expect(await asked('accept-encoding', header, acceptsGzip)).toEqual({ said: true });
    },
  );

  it.each([
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    '*;q=0',
    'gzip;q=0, *',
    'gzip;q=0.5, identity;q=0.9',
    'gzip;q=x',
  ])('says no of %s', async (header) => {
    expect(await asked('accept-encoding', header, acceptsGzip)).toEqual({ said: false });
  });
});
