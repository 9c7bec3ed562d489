/** The TypeScript client: what it does when calls fail, against a server that fails as told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ApiError,
  ConnectionError,
  ExpansionError,
  ForeignResponseError,
  MetaheacClient,
  verifyWebhook,
  WebhookVerificationError,
} from '../../packages/client/index.ts';

type Reply = (response: ServerResponse, request: IncomingMessage) => void;
let replies: Reply[] = [];
let requests: IncomingMessage[] = [];
const web = createServer((request, response) => {
  requests.push(request);
  request.resume().on('end', () => (replies.length > 1 ? replies.shift()! : replies[0]!)(response, request));
});
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
afterAll(() => {
  web.closeAllConnections();
  web.close();
});
beforeEach(() => {
  [replies, requests] = [[], []];
});

const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
const client = new MetaheacClient({ url, apiKey: 'secret', retryForMs: 3_000, timeoutMs: 500 });
const PROBLEM = {
  type: 'x',
  title: 't',
  status: 503,
  detail: 'busy',
  code: 'unavailable',
  request_id: 'r',
  errors: [],
};

const json =
  (body: unknown, status = 200, headers = {}): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const problem = (status: number, code: string, headers = {}) =>
  json({ ...PROBLEM, status, code }, status, { 'content-type': 'application/problem+json', ...headers });
const drop: Reply = (response) => response.destroy();
const keysOf = () => requests.map(({ headers }) => headers['idempotency-key']);
const create = () => client.POST('/v1/campaigns', { body: { name: 'x', seeds: ['a'], audience: { size: 1 } } });
const campaign = (state: string) => ({ id: 'c', state, reason: { code: 'gone', message: 'the reason' } });

describe('a call', () => {
  it('waits as long as a busy service asks, and sends the same idempotency key again', async () => {
    replies = [problem(503, 'unavailable', { 'retry-after': '1' }), drop, json({ id: 'c' }, 201)];
    const start = performance.now();
    expect((await create()).data.id).toBe('c');
    expect(performance.now() - start).toBeGreaterThan(1_000);
    expect(new Set(keysOf())).toEqual(new Set([expect.stringMatching(/^[\da-f-]{36}$/)]));
    expect(requests).toHaveLength(3);
    expect(requests[0]!.headers.authorization).toBe('Bearer secret');
  });

  it('gives up when the service asks for more time than the limit', async () => {
    replies = [problem(429, 'rate_limited', { 'retry-after': '60' })];
    await expect(create()).rejects.toMatchObject({ name: 'ApiError', code: 'rate_limited', requestId: 'r' });
    expect(requests).toHaveLength(1);
  });

  it('is not repeated if it may have changed what its precondition names', async () => {
    replies = [drop];
    const params = { path: { id: 'c' }, header: { 'if-match': '"1"' } };
    await expect(client.PATCH('/v1/campaigns/{id}', { params, body: { name: 'y' } })).rejects.toThrow(ConnectionError);
    expect(requests).toHaveLength(1);
  });

  it('is not repeated after a refusal, which names the faults', async () => {
    const errors = [{ pointer: '/name', message: 'is too long' }];
    replies = [json({ ...PROBLEM, status: 400, code: 'invalid_request', errors }, 400)];
    const error = await create().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', errors });
    expect(requests).toHaveLength(1);
  });

  it('fails if no headers come in time, or a proxy responds', async () => {
    replies = [() => {}];
    const quick = new MetaheacClient({ url, retryForMs: 0, timeoutMs: 50 });
    await expect(quick.GET('/v1/limits')).rejects.toThrow(ConnectionError);
    replies = [(response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')];
    await expect(quick.GET('/v1/limits')).rejects.toThrow(ForeignResponseError);
  });
});

describe('pages and streams', () => {
  it('yields the items of all pages', async () => {
    replies = [json({ items: [{ id: 'a' }], next_cursor: 'more' }), json({ items: [{ id: 'b' }], next_cursor: null })];
    const ids = [];
    for await (const { id } of client.items('/v1/campaigns', { params: { query: { limit: 1 } } })) ids.push(id);
    expect(ids).toEqual(['a', 'b']);
    expect(requests.map(({ url: path }) => path)).toEqual([
      '/v1/campaigns?limit=1',
      '/v1/campaigns?limit=1&cursor=more',
    ]);
  });

  it('yields each line before the next one is sent, and ends the response when the caller stops', async () => {
    let isClosed = false;
    replies = [
      (response) => {
        response.on('close', () => (isClosed = true));
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"user_id":"a"}\n{"user');
      },
    ];
    const path = { id: 'c' };
    for await (const { user_id } of client.lines('/v1/campaigns/{id}/audience', { params: { path } })) {
      expect(user_id).toBe('a');
      break;
    }
    await expect.poll(() => isClosed).toBe(true);
  });

  it('reports a stream that ends early', async () => {
    replies = [
      (response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson', 'content-length': '1000' });
        response.write('{"user_id":"a"}\n', () => response.destroy());
      },
    ];
    const read = async () => {
      for await (const _ of client.lines('/v1/campaigns/{id}/audience', { params: { path: { id: 'c' } } }));
    };
    await expect(read()).rejects.toThrow(ConnectionError);
  });
});

describe('waitUntilReady', () => {
  it('returns the campaign when it is ready', async () => {
    replies = [json(campaign('queued')), json(campaign('scoring')), json(campaign('ready'))];
    expect((await client.waitUntilReady('c')).state).toBe('ready');
    expect(requests).toHaveLength(3);
  });

  it('throws the reason of an expansion that failed, and ends at the limit', async () => {
    replies = [json(campaign('failed'))];
    const error = await client.waitUntilReady('c').catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ExpansionError);
    expect(error).toMatchObject({ code: 'gone', message: 'campaign c is failed: the reason' });
    replies = [json(campaign('queued'))];
    await expect(client.waitUntilReady('c', { timeoutMs: 150 })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('verifyWebhook', () => {
  const secret = `whsec_${Buffer.from('a secret of the test').toString('base64')}`;
  const body = JSON.stringify({ type: 'ping', data: {} });
  const headersAt = (time: Date) => ({
    'webhook-id': 'm1',
    'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('m1', time, body),
  });

  it('returns the event of a signed call, and refuses other bodies, secrets and old calls', () => {
    const headers = headersAt(new Date());
    expect(verifyWebhook(Buffer.from(body), headers, secret)).toEqual({ type: 'ping', data: {} });
    expect(verifyWebhook(body, new Headers(headers), secret)).toEqual({ type: 'ping', data: {} });
    const old = headersAt(new Date(Date.now() - 600_000));
    for (const [text, given, key] of [
      [`${body} `, headers, secret],
      [body, headers, `whsec_${Buffer.from('another').toString('base64')}`],
      [body, old, secret],
      [body, {}, secret],
    ] as const)
      expect(() => verifyWebhook(text, given, key)).toThrow(WebhookVerificationError);
  });
});
