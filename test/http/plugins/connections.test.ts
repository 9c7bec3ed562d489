/** The server on a real port: oversized bodies, clients that disconnect, slow and broken ones, and its close. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import type { Population } from '../../../src/population/read.ts';
import { type Fixture, importUsers, OK_BODY } from '../fixture.ts';
import { exchange, openPaused, openSocket, startServer } from '../sockets.ts';

const users = await importUsers();

const start = (config: Partial<ServerConfig> = {}, population = users) => startServer(population, config);

interface Sent {
  readonly status: number;
  readonly type: string;
  readonly json: { readonly code: string; readonly errors: readonly { readonly limit: number }[] };
  /** Bytes that the client had sent when it had received the whole response. */
  readonly sent: number;
}

/** Sends an endless body until the whole response has arrived. */
async function sendWithoutEnd(port: number, headers: Record<string, string | number>, waitMs: number): Promise<Sent> {
  const chunk = Buffer.alloc(1 << 20, 'x');
  let sent = 0;
  let answer: Omit<Sent, 'sent'> | null = null;
  const client = request({ port, path: '/v1/campaigns', method: 'POST', headers });
  client.on('response', (response: IncomingMessage) => {
    let text = '';
    response.on('data', (data) => {
      text += data;
    });
    response.on('end', () => {
      const type = response.headers['content-type'] ?? '';
      answer = { status: response.statusCode ?? 0, type, json: JSON.parse(text) };
      client.destroy();
    });
  });
  const more = () => {
    if (client.destroyed) return;
    sent += chunk.length;
    if (client.write(chunk)) setImmediate(more);
    else client.once('drain', more);
  };
  client.flushHeaders();
  const timer = setTimeout(more, waitMs);
  // Fails with the client's error if the connection broke before the response was complete.
  await once(client, 'close');
  clearTimeout(timer);
  if (answer === null) throw new Error('the connection was closed without an answer');
  return { ...(answer as Omit<Sent, 'sent'>), sent };
}

const postHead = (bytes: number) =>
  `POST /v1/campaigns HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`;

/** An NDJSON stream over a bare socket that reads nothing beyond the first bytes. */
async function openStalledStream(port: number, id: string): Promise<Socket> {
  const socket = openPaused(port, `/v1/campaigns/${id}/audience`, 'accept: application/x-ndjson\r\n');
  await once(socket, 'readable');
  return socket;
}

const openStreams = async (server: Fixture) => {
  const { text } = await server.call('GET', '/metrics');
  return Number(/^metaheac_audience_streams (\d+)$/m.exec(text)?.[1]);
};

describe('a body over the limit', () => {
  it('is answered on its declared length alone, before a byte of it is sent', async () => {
    const { port } = await start();
    const headers = { 'content-type': 'application/json', 'content-length': 512 << 20 };
    const answer = await sendWithoutEnd(port, headers, 60_000);
    expect(answer).toMatchObject({ status: 413, sent: 0, json: { code: 'body_too_large' } });
    expect(answer.type).toContain('application/problem+json');
    expect(answer.json.errors[0]?.limit).toBe(8 * 1024 * 1024);
  });

  it.each([
    ['of a declared length', { 'content-length': 512 << 20 }],
    ['in chunks of no declared length', {}],
  ])('%s is answered to a client that sends all the while', async (_name, headers) => {
    const { port } = await start();
    const answer = await sendWithoutEnd(port, { 'content-type': 'application/json', ...headers }, 0);
    expect(answer).toMatchObject({ status: 413, json: { code: 'body_too_large' } });
    expect(answer.sent).toBeLessThan(512 << 20);
  });

  it('is read on only for so long', async () => {
    const { port } = await start({ lingerMs: 50 });
    expect(await exchange(port, postHead(99_999_999))).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('is read on only for so much', async () => {
    const { port } = await start({ lingerMs: 60_000, lingerBytes: 1_000 });
    const { socket } = openSocket(port);
    socket.write(postHead(99_999_999));
    socket.write(Buffer.alloc(100_000, 'x'));
    await once(socket, 'close');
  });
});

describe('what is not a request', () => {
  /** The problem of a raw answer, which names the request as its header does. */
  function problemIn(answer: string): object {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    const problem = JSON.parse(body);
    expect(/^x-request-id: (\S+)$/m.exec(head)?.[1]).toBe(problem.request_id);
    return problem;
  }

  it('is answered with a problem, and the connection is closed', async () => {
    const { port } = await start();
    const answer = await exchange(port, 'NONSENSE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(problemIn(answer)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it('is answered 431 when the headers are too large', async () => {
    const { port } = await start();
    const answer = await exchange(
      port,
      `GET /livez HTTP/1.1\r\nhost: localhost\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
    expect(problemIn(answer)).toMatchObject({ status: 431, code: 'headers_too_large' });
  });
});

describe('an audience stream', () => {
  /** Far more than the buffers of two sockets hold: 60,000 ids of 250 bytes. */
  const crowd = Array.from({ length: 60_000 }, (_, i) => `${'user'.repeat(61)}${String(i).padStart(6, '0')}`);
  let crowdUsers: Population;
  beforeAll(async () => {
    crowdUsers = await importUsers(crowd);
  });

  async function stall(config: Partial<ServerConfig> = {}) {
    const { fixture: server, port } = await start(config, crowdUsers);
    const id = await server.createReady({ ...OK_BODY, seeds: crowd.slice(0, 20), audience: { percent: 100 } });
    const socket = await openStalledStream(port, id);
    return { server, port, id, socket };
  }

  it('waits for a client that does not read, and ends when the client disconnects', async () => {
    const { server, socket } = await stall();
    await sleep(200);
    expect(await openStreams(server)).toBe(1);
    socket.destroy();
    while ((await openStreams(server)) > 0) await sleep(5);
    expect(server.log()).toContain('the client disconnected');
  });

  it('goes on when the client reads again, to the last byte', async () => {
    const { socket } = await stall();
    await sleep(50);
    const chunks: string[] = [];
    socket.setEncoding('utf8').on('data', (data: string) => {
      chunks.push(data);
      if (data.endsWith('0\r\n\r\n')) socket.end();
    });
    await once(socket, 'close');
    expect(chunks.join('').match(/"user_id"/g)).toHaveLength(crowd.length - 20);
  });

  it('ends for clients that stop reading, and frees their slots', async () => {
    const { server, port, id, socket } = await stall({ maximumOpenStreams: 4, streamStallMs: 300 });
    const stalled = [socket, ...(await Promise.all(Array.from({ length: 3 }, () => openStalledStream(port, id))))];
    const read = () => server.call('GET', `/v1/campaigns/${id}/audience?limit=1`, undefined, { accept: 'text/csv' });
    const stream = async () =>
      (await server.call('GET', `/v1/campaigns/${id}/seeds/unknown`, undefined, { accept: 'text/plain' })).status;
    expect(await stream()).toBe(503);
    await expect.poll(stream, { timeout: 20_000 }).toBe(200);
    expect((await read()).status).toBe(200);
    await expect.poll(() => openStreams(server)).toBe(0);
    for (const each of stalled) each.resume();
    await expect.poll(() => stalled.every(({ closed }) => closed)).toBe(true);
    expect(stalled.every(({ bytesRead }) => bytesRead < 10_000_000)).toBe(true);
    expect(server.log()).not.toContain('"level":50');
  });

  it('that nobody reads makes room for another', async () => {
    const { server, id, socket } = await stall({ maximumOpenStreams: 1, streamYieldMs: 200 });
    const exportAll = () => server.call('GET', `/v1/campaigns/${id}/audience`, undefined, { accept: 'text/csv' });
    expect((await exportAll()).status).toBe(503);
    await expect.poll(async () => (await exportAll()).status, { timeout: 20_000 }).toBe(200);
    socket.resume();
    await expect.poll(() => socket.closed).toBe(true);
    expect(server.log()).toContain('the client read too slowly, and another client needed the slot');
  });

  it('is cut by close after the named time', async () => {
    const { server, socket } = await stall({ closeGraceMs: 100 });
    const before = performance.now();
    await server.close();
    expect(performance.now() - before).toBeLessThan(5_000);
    socket.resume();
    if (!socket.closed) await once(socket, 'close');
  });
});

describe('close', () => {
  it('lets an answer in flight end, and does not wait for connections that are kept alive', async () => {
    const { fixture: server, port } = await start({ closeGraceMs: 30_000 });
    const id = await server.createReady();
    const { socket, answer } = openSocket(port);
    socket.write(`GET /v1/campaigns/${id}/audience HTTP/1.1\r\nhost: localhost\r\naccept: text/csv\r\n\r\n`);
    await once(socket, 'data');
    await Promise.all([server.close(), once(socket, 'close')]);
    expect(answer()).toContain('\r\n50,');
    expect(answer().endsWith('0\r\n\r\n')).toBe(true);
  });

  it('cuts a request that is still being sent after the named time', async () => {
    const { fixture: server, port } = await start({ closeGraceMs: 100 });
    const { socket, answer } = openSocket(port);
    socket.write(`${postHead(10)}{`);
    await once(server.app.server, 'request');
    const before = performance.now();
    await Promise.all([server.close(), once(socket, 'close')]);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(answer()).toBe('');
  });

  it('answers what it had begun to read, refuses what begins after, and keeps no connection', async () => {
    const { fixture: server, port } = await start({ closeGraceMs: 30_000 });
    const body = JSON.stringify(OK_BODY);
    const begun = openSocket(port);
    begun.socket.write(`${postHead(body.length)}${body.slice(0, 5)}`);
    await once(server.app.server, 'request');
    const late = openSocket(port);
    late.socket.write('GET /livez HTTP/1.1\r\n');
    await once(server.app.server, 'connection');
    await sleep(20);
    const closed = server.close();
    await sleep(20);
    late.socket.write('host: localhost\r\n\r\n');
    begun.socket.write(body.slice(5));
    await Promise.all([closed, once(begun.socket, 'close'), once(late.socket, 'close')]);
    expect(begun.answer()).toMatch(/^HTTP\/1\.1 202 [\s\S]*connection: close/i);
    expect(late.answer()).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"unavailable"/);
  });
});
