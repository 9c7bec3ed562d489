/** Uploads on a real port: slow, stalled and broken senders, limits, and the effect of a large upload on others. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { watchEventLoop } from '../../fixture/event-loop.ts';
import { describeUsual, IS_LONG, itUsual, size } from '../../fixture/size.ts';
import { type Fixture, importUsers } from '../fixture.ts';
import { openSocket, startServer } from '../sockets.ts';

const population = await importUsers();
const listen = (config: Partial<ServerConfig> = {}) => startServer(population, config);

type Upload = ReturnType<typeof upload>;

/** An upload in chunks over a bare socket. */
function upload(port: number, headers = '') {
  const opened = openSocket(port);
  const { socket } = opened;
  socket.write(
    `PUT /v1/suppression HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n${headers}transfer-encoding: chunked\r\n\r\n`,
  );
  return {
    ...opened,
    chunk: (data: string | Buffer) => {
      socket.write(`${Buffer.byteLength(data).toString(16)}\r\n`);
      socket.write(data);
      socket.write('\r\n');
    },
    end: () => socket.write('0\r\n\r\n'),
  };
}

const answered = (sender: Upload, status: number) =>
  expect.poll(sender.answer, { timeout: 20_000 }).toContain(`HTTP/1.1 ${status} `);
const report = async (server: Fixture) => (await server.call('GET', '/v1/suppression')).json;
const filesOf = (server: Fixture) => {
  try {
    return readdirSync(join(server.dataDir, 'seeds'));
  } catch {
    return [];
  }
};
const TEXT = { 'content-type': 'text/plain' };
const statusOf = ({ status }: { readonly status: number }) => status;
const ids = (count: number) => Array.from({ length: count }, (_, i) => `someone-${i}\n`).join('');

/** Each upload is a large one, and may drip. */
const SLOW = { smallUploadBytes: 0, minimumUploadBytesPerSecond: 0 };

describe('an upload', () => {
  itUsual('may take longer than other requests as long as it does not stall', async () => {
    const { fixture, port } = await listen({ ...SLOW, requestTimeoutMs: 150, uploadStallMs: 2_000 });
    // as the check of connections runs every 30 s, do what it does
    const expire = setInterval(() => expireRequests(fixture), 20);
    try {
      const sender = upload(port);
      for (let i = 0; i < 8; i++) {
        sender.chunk(`person-${i}\n`);
        await sleep(50);
      }
      sender.end();
      await answered(sender, 200);
      expect((await report(fixture)).users).toBe(8);
      // and the connection is as any other again
      sender.socket.write(
        'POST /v1/campaigns HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
      );
      await answered(sender, 408);
    } finally {
      clearInterval(expire);
    }
  });

  itUsual.each([
    ['plain', '', (text: string) => text],
    ['gzip', 'content-encoding: gzip\r\n', (text: string) => gzipSync(text).subarray(0, -20)],
  ])('that stalls (%s) is answered 408, changes nothing and leaves no file', async (_name, headers, pack) => {
    const { fixture, port } = await listen({ uploadStallMs: 200, lingerMs: 100 });
    const sender = upload(port, headers);
    sender.chunk(pack(ids(40_000)));
    await answered(sender, 408);
    expect(sender.answer()).toContain('"code":"request_timeout"');
    await sender.closed;
    expect(filesOf(fixture)).toEqual([]);
    expect((await report(fixture)).users).toBe(0);
    expect(fixture.log()).not.toContain('"level":50');
  });

  itUsual.each([
    ['plain', '', (text: string) => text],
    ['gzip', 'content-encoding: gzip\r\n', (text: string) => gzipSync(text, { level: 0 })],
  ])('whose connection breaks (%s) changes nothing and leaves no file', async (_name, headers, pack) => {
    const { fixture, port } = await listen({ maximumOpenUploads: 1 });
    await fixture.call('PUT', '/v1/suppression', 'a\n', { 'content-type': 'text/plain' });
    const before = filesOf(fixture);
    const sender = upload(port, headers);
    sender.chunk(pack(ids(40_000)));
    await expect.poll(() => filesOf(fixture).length).toBe(2); // the first run is on the disk
    sender.socket.destroy();
    await expect.poll(() => filesOf(fixture)).toEqual(before);
    expect((await report(fixture)).users).toBe(1);
    expect(fixture.log()).not.toContain('"level":50');
    // its place is free again
    expect((await fixture.call('PUT', '/v1/suppression', 'b\n', { 'content-type': 'text/plain' })).status).toBe(200);
  });

  itUsual('gets 503 while others are in progress, and is accepted afterwards', async () => {
    const { fixture, port } = await listen({ ...SLOW, maximumOpenUploads: 1 });
    const first = upload(port);
    first.chunk('a\n');
    await sleep(200);
    const second = async () => {
      const answer = await fixture.call('PUT', '/v1/suppression', 'b\n', { 'content-type': 'text/plain' });
      return [answer.status, answer.json['code'], answer.headers['retry-after']];
    };
    await expect.poll(second).toEqual([503, 'unavailable', '5']);
    first.end();
    await answered(first, 200);
    await expect.poll(second).toEqual([200, undefined, undefined]);
  });

  itUsual('that is refused is still read, so that its sender gets the response', async () => {
    const { fixture, port } = await listen();
    for (const [line, config] of [
      ['x'.repeat(300), 'invalid_request'],
      ['x'.repeat(70_000), 'invalid_request'],
    ] as const) {
      const { status, json } = await sendAll(port, `${`${line}\n`.repeat(50)}${ids(500_000)}`);
      expect([status, json['code']]).toEqual([400, config]);
    }
    expect((await report(fixture)).users).toBe(0);
  });

  itUsual('over the limit of ids gets its answer while it is sent', async () => {
    const { port } = await listen({ maximumUploadIds: 1_000 });
    const { status, json } = await sendAll(port, ids(500_000));
    expect([status, json['code']]).toEqual([413, 'too_many_seeds']);
  });

  itUsual('of too many declared bytes is answered before any is sent', async () => {
    const { port } = await listen({ maximumUploadBytes: 1_000 });
    const { socket } = openSocket(port);
    socket.write(
      'PUT /v1/suppression HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 1001\r\n\r\n',
    );
    const [data] = await once(socket, 'data');
    expect(String(data)).toContain('HTTP/1.1 413 ');
  });

  const [many, inWords] = IS_LONG ? [1_000_000, 'a million'] : [300_000, '300,000'];
  it(`of ${inWords} ids leaves the server answering others`, { timeout: 60_000 }, async () => {
    const { fixture, port } = await listen();
    const body = Buffer.from(ids(many));
    await fetch(`http://127.0.0.1:${port}/livez`);
    const watch = watchEventLoop();
    let asked = 0;
    let isDone = false;
    const sending = sendAll(port, body).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
      asked += 1;
    }
    const { status, json } = await sending;
    expect([status, json['users']]).toEqual([200, many]);
    expect(asked).toBeGreaterThan(size(5, 20));
    const longestMs = await watch.longestMs();
    watch.end();
    expect(longestMs).toBeLessThan(200);
    expect(filesOf(fixture)).toHaveLength(1);
  });
});

describe('small uploads', () => {
  /** A large upload that holds a slot. */
  async function openLarge(server: Fixture, port: number): Promise<Upload> {
    const sender = upload(port);
    sender.chunk(ids(40_000));
    await expect.poll(() => filesOf(server).length).toBe(1); // the first run is on the disk
    return sender;
  }

  const opt = (i: number) => Array.from({ length: 20 }, (_, j) => `gone-${i}-${j}\n`).join('');

  it('all succeed while the large ones drip', async () => {
    const { fixture, port } = await listen({ maximumOpenUploads: 1 });
    const large = await openLarge(fixture, port);
    expect(statusOf(await fixture.call('PUT', '/v1/suppression', ids(20_000), TEXT))).toBe(503);
    const drip = setInterval(() => large.chunk('x\n'), 20);
    const requests = size(4, 10);
    try {
      const clients = Array.from({ length: 8 }, async (_, client) => {
        const statuses: number[] = [];
        for (let i = 0; i < requests; i++) {
          const body = opt(requests * client + i);
          const json = JSON.stringify({ user_ids: body.trimEnd().split('\n') });
          const [bytes, headers] = [
            [body, TEXT] as const,
            [json, { 'content-type': 'application/json' }] as const,
            [gzipSync(body), { ...TEXT, 'content-encoding': 'gzip' }] as const,
          ][i % 3]!;
          const response = await fetch(`http://127.0.0.1:${port}/v1/suppression/add`, {
            method: 'POST',
            headers,
            body: bytes,
          });
          statuses.push(response.status);
          await response.arrayBuffer();
        }
        return statuses;
      });
      expect((await Promise.all(clients)).flat()).toEqual(Array(8 * requests).fill(200));
      expect((await report(fixture)).users).toBe(8 * requests * 20);
    } finally {
      clearInterval(drip);
    }
  });

  itUsual('in chunks count as small until they are more', async () => {
    const { fixture, port } = await listen({ maximumOpenUploads: 1, smallUploadBytes: 1_000 });
    const large = upload(port);
    large.chunk('x'.repeat(200).concat('\n').repeat(6));
    await sleep(100);
    const small = upload(port);
    small.chunk('a\n');
    await sleep(100);
    small.end();
    await answered(small, 200);
    const larger = upload(port);
    larger.chunk('a\n');
    await sleep(100);
    expect(larger.answer()).toBe('');
    larger.chunk(ids(100));
    await answered(larger, 503);
    expect((await report(fixture)).users).toBe(1);
    large.end();
    await answered(large, 200);
  });

  itUsual('of which gzip holds much are large', async () => {
    const { fixture, port } = await listen({ maximumOpenUploads: 1 });
    await openLarge(fixture, port);
    const packed = gzipSync(ids(20_000));
    expect(packed.length).toBeLessThan(64 * 1024);
    const headers = { ...TEXT, 'content-encoding': 'gzip' };
    expect(statusOf(await fixture.call('PUT', '/v1/suppression', packed, headers))).toBe(503);
  });

  itUsual('are answered 503 when too many wait', async () => {
    const { fixture } = await listen({ maximumOpenSmallUploads: 1, maximumWaitingUploads: 1 });
    const answers = await Promise.all([1, 2, 3].map((i) => fixture.call('POST', '/v1/suppression/add', opt(i), TEXT)));
    expect(answers.map(statusOf).sort()).toEqual([200, 200, 503]);
    expect((await report(fixture)).users).toBe(40);
  });
});

describe('an upload that unpacks to a thousand times its size', () => {
  const MIB = 1024 * 1024;
  const UNPACKED_MIB = size(64, 512);
  /** Gzip that unpacks to this many copies of the text. */
  const packed = (text: string, head = '') => {
    const block = gzipSync(text.repeat(Math.ceil((2 * MIB) / text.length)), { level: 9 });
    // members of gzip may follow each other
    return Buffer.concat([gzipSync(head), ...Array.from({ length: UNPACKED_MIB / 2 }, () => block)]);
  };
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}\n`;
  const wide = ','.repeat(60_000);

  it.each([
    ['blank lines', 'text/plain', packed('\n', 'u1\n')],
    ['spaces', 'application/x-ndjson', packed('   \n', '"u1"\n')],
    ['zeros', 'text/plain', packed('\0')],
    ['deep lists', 'application/x-ndjson', packed(deep)],
    ['commas', 'text/csv', packed(`${wide}\n`, `user_id${wide}\nu1${wide}\n`)],
    ['quoted blank lines', 'text/csv', packed(`"${'\n'.repeat(60_000)}"\n`, 'user_id\n')],
  ])('is refused at a cost in proportion to its size: %s', { timeout: 60_000 }, async (_name, type, body) => {
    const { fixture } = await listen();
    const headers = { 'content-type': type, 'content-encoding': 'gzip' };
    const start = process.cpuUsage();
    const { status } = await fixture.call('PUT', '/v1/suppression', body, headers);
    const { user, system } = process.cpuUsage(start);
    expect([400, 413]).toContain(status);
    // without limits 15 s for half a GiB
    expect((user + system) / 1e6).toBeLessThan(size(1, 3));
    expect(filesOf(fixture)).toHaveLength(0);
  });

  it('is taken where that is allowed, and in seconds if it is blank lines', { timeout: 60_000 }, async () => {
    const { fixture } = await listen({ maximumUploadRatio: 2_000 });
    const headers = { ...TEXT, 'content-encoding': 'gzip' };
    const start = process.cpuUsage();
    const { status, json } = await fixture.call('PUT', '/v1/suppression', packed('\n', 'u1\n'), headers);
    const { user, system } = process.cpuUsage(start);
    expect([status, json.users]).toEqual([200, 1]);
    expect((user + system) / 1e6).toBeLessThan(size(3, 10));
  });

  itUsual('names its limit', async () => {
    const { fixture } = await listen({ maximumUploadRatio: 50 });
    const headers = { ...TEXT, 'content-encoding': 'gzip' };
    const { status, json } = await fixture.call('PUT', '/v1/suppression', packed('\n'), headers);
    expect([status, json.code, json.errors[0].limit]).toEqual([413, 'body_too_large', 50]);
    const { items } = (await fixture.call('GET', '/v1/limits')).json;
    expect(items).toContainEqual(expect.objectContaining({ name: 'maximum_upload_ratio', value: 50 }));
  });
});

describeUsual('a dripping upload', () => {
  it.each([
    ['slower than the minimum rate', { uploadStallMs: 200 }, 'at least 10240 bytes per second'],
    ['over its whole time', { ...SLOW, maximumUploadMs: 400 }, 'at most 400 ms'],
  ])('is ended when it is %s, and its place is free', async (_name, config, message) => {
    const { fixture, port } = await listen({ smallUploadBytes: 0, maximumOpenUploads: 1, lingerMs: 100, ...config });
    const sender = upload(port);
    const drip = setInterval(() => sender.socket.writable && sender.chunk('a\n'), 20);
    try {
      await answered(sender, 408);
    } finally {
      clearInterval(drip);
    }
    expect(sender.answer()).toContain(message);
    expect((await fixture.call('PUT', '/v1/suppression', ids(3), TEXT)).status).toBe(200);
    expect((await report(fixture)).users).toBe(3);
  });

  it('is not one whose sender the service keeps waiting', async () => {
    const { fixture, port } = await listen({ uploadStallMs: 200, minimumUploadBytesPerSecond: 1_000_000 });
    // far less than a second of work, but far more than the window
    const { status } = await sendAll(port, ids(300_000));
    expect(status).toBe(200);
    expect((await report(fixture)).users).toBe(300_000);
  });
});

/** Sends a whole body, and reads the answer. */
async function sendAll(
  port: number,
  body: string | Buffer,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const headers = { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) };
  const client = request({ port, path: '/v1/suppression', method: 'PUT', headers });
  client.end(body);
  const [response] = await once(client, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  client.destroy();
  return { status: response.statusCode, json: JSON.parse(text) };
}

/** Ends connections whose request takes too long, as Node does periodically. */
function expireRequests({ app }: Fixture): void {
  const { server } = app as unknown as {
    server: Record<symbol, { expired(...ms: number[]): { socket: Socket }[] }> & {
      requestTimeout: number;
      emit(...args: unknown[]): void;
    };
  };
  const list =
    server[
      Object.getOwnPropertySymbols(server).find((symbol) => String(symbol).includes('http.server.connections)'))!
    ]!;
  for (const { socket } of list.expired(server.requestTimeout, server.requestTimeout)) {
    socket.removeAllListeners('error').on('error', () => {});
    server.emit('clientError', Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  }
}
