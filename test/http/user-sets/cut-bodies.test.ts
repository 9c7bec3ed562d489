/** Requests whose body is not as long as declared: what follows it, or is missing, on bare sockets. */
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, importUsers, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';
import { countConnections, exchange as exchangeAt, openSocket, startServer } from '../sockets.ts';

const population = await importUsers();
let fixture: Fixture;
let port: number;
beforeEach(async () => {
  ({ fixture, port } = await startServer(population, { lingerMs: 200 }));
  const list = text(USER_IDS.slice(-200));
  expect((await fixture.call('PUT', '/v1/suppression', list, { 'content-type': 'text/plain' })).status).toBe(200);
});

const text = (ids: readonly string[]) => ids.map((id) => `${id}\n`).join('');
const suppressed = async () => (await fixture.call('GET', '/v1/suppression')).json.users;
const head = (method: string, path: string, type: string, length: string) =>
  `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n${length}\r\n\r\n`;
const put = (length: string) => head('PUT', '/v1/suppression', 'text/plain', length);
const statusesOf = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));

const open = () => openSocket(port);
const exchange = (...pieces: readonly string[]) => exchangeAt(port, ...pieces);

describe('an upload that is longer than declared', () => {
  it.each([
    ['in one piece', [`${put('content-length: 4')}a\nb\nc\nd\n`]],
    ['after its head', [put('content-length: 4'), 'a\nb\nc\nd\n']],
    ['with a blank line behind', [`${put('content-length: 4')}a\nb\n\r\n!c\n`]],
    ['in chunks', [`${put('transfer-encoding: chunked')}4\r\na\nb\n\r\n0\r\n\r\nc\n`]],
  ])('is refused as a whole, once (%s)', async (_name, pieces) => {
    const answer = await exchange(...pieces);
    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toContain('"code":"invalid_request"');
    expect(answer).toContain('the body is longer than its declared length');
    expect(await suppressed()).toBe(200);
  });

  it('is refused on every address of localhost', async () => {
    const other = await openFixture(population, { lingerMs: 200 });
    await other.app.listen({ host: 'localhost', port: 0 });
    const addresses = other.app.addresses() as AddressInfo[];
    expect(addresses.length).toBeGreaterThan(0);
    for (const { address, port: at } of addresses) {
      const { socket, answer, closed } = openSocket(at, address);
      socket.write(`${put('content-length: 4')}a\nb\nc\n`);
      await closed;
      expect([address, statusesOf(answer())]).toEqual([address, [400]]);
      expect((await other.call('GET', '/v1/suppression')).json.users).toBe(0);
    }
  });

  it('by a lot gets its answer', async () => {
    const answer = await exchange(`${put('content-length: 4')}a\nb\n${'someone else\n'.repeat(100_000)}`);
    expect(statusesOf(answer)).toEqual([400]);
    expect(await suppressed()).toBe(200);
  });

  it('is reported correctly if the rest arrives after it was applied', async () => {
    const { socket, answer, closed } = open();
    socket.write(`${put('content-length: 4')}a\nb\n`);
    await expect.poll(answer).toContain('HTTP/1.1 200 ');
    socket.write('c\nd\n');
    await closed;
    expect(statusesOf(answer())).toEqual([200, 400]);
    expect(await suppressed()).toBe(2);
  });
});

describe('an upload that is shorter than declared', () => {
  it.each([
    ['plain', 'content-length: 40', 'a\nb\n'],
    ['in chunks', 'transfer-encoding: chunked', '4\r\na\nb\n\r\n'],
  ])('changes nothing (%s)', async (_name, length, body) => {
    const { socket, closed } = open();
    socket.write(`${put(length)}${body}`);
    await sleep(30);
    socket.end();
    await closed;
    expect(await suppressed()).toBe(200);
    expect(fixture.log()).not.toContain('"level":50');
  });
});

describe('other bodies that are longer than declared', () => {
  it('are refused too: a list of events can be truncated as well', async () => {
    const id = await fixture.createReady();
    const line = `${JSON.stringify({ user_id: 'person-1', event: 'click' })}\n`;
    const path = `/v1/campaigns/${id}/feedback`;
    const answer = await exchange(
      `${head('POST', path, 'application/x-ndjson', `content-length: ${line.length}`)}${line}${line}`,
    );
    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toContain('the body is longer than its declared length');
  });

  it('are refused as a campaign', async () => {
    const body = JSON.stringify(OK_BODY);
    const create = head('POST', '/v1/campaigns', 'application/json', `content-length: ${body.length}`);
    expect(statusesOf(await exchange(`${create}${body}}}`))).toEqual([400]);
    expect((await fixture.call('GET', '/v1/campaigns')).json.items).toEqual([]);
  });
});

describe('what is not a request', () => {
  it('is answered after the requests before it, in their order', async () => {
    const get = 'GET /v1/suppression HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const answer = await exchange(`${get}${get}NONSENSE\r\n\r\n`);
    expect(statusesOf(answer)).toEqual([200, 200, 400]);
    expect(answer.match(/"users":200/g)).toHaveLength(2);
  });

  it('does not touch an upload that another request follows', async () => {
    const get = 'GET /v1/suppression HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const answer = await exchange(`${put('content-length: 4')}a\nb\n${get}NONSENSE\r\n\r\n`);
    expect(statusesOf(answer)).toEqual([200, 200, 400]);
    expect(await suppressed()).toBe(2);
  });

  it('within a body is answered after the requests before it', async () => {
    const get = 'GET /v1/suppression HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const answer = await exchange(`${get}${put('transfer-encoding: chunked')}4\r\na\nb\n\r\nno chunk`);
    expect(statusesOf(answer)).toEqual([200, 400]);
    expect(await suppressed()).toBe(200);
  });

  it('leaves no connection open when its client does not close', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {}).resume();
    socket.write('NONSENSE\r\n\r\n');
    await once(socket, 'end');
    expect(await countConnections(fixture)).toBe(1);
    await expect.poll(() => countConnections(fixture)).toBe(0);
  });
});
