/** Clients that hold connections: heads that never end, sockets that send nothing, responses that are never read. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { type Fixture, importUsers, openFixture, type PopulationFixture } from '../fixture.ts';

let users: PopulationFixture;
let fixture: Fixture;
const sockets: Socket[] = [];
beforeAll(async () => {
  users = await importUsers(['u1', 'u2']);
});
afterAll(() => users.remove());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await fixture.close();
});

async function listen(config: Partial<ServerConfig>): Promise<number> {
  fixture = await openFixture(users.population, config);
  await fixture.app.listen({ host: '127.0.0.1', port: 0 });
  return (fixture.app.server.address() as AddressInfo).port;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

const connections = () =>
  new Promise<number>((resolve) => fixture.app.server.getConnections((_error, count) => resolve(count)));

it.each([
  ['a head that never ends', 'GET /livez HTTP/1.1\r\nhost: localhost\r\n'],
  ['nothing', ''],
])('%s is answered 408, and its connection closed', async (_name, text) => {
  const port = await listen({ headersTimeoutMs: 200, lingerMs: 100 });
  const socket = await open(port);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  socket.write(text);
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('x-content-type-options: nosniff');
});

it('a response that nobody takes does not hold its connection', async () => {
  const port = await listen({ streamStallMs: 200 });
  const socket = await open(port);
  socket.pause();
  // more than both ends buffer
  for (let i = 0; i < 400; i++) socket.write('GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await vi.waitFor(async () => expect(await connections()).toBe(1));
  await vi.waitFor(async () => expect(await connections()).toBe(0), { timeout: 20_000, interval: 50 });
}, 30_000);

it('connections beyond the maximum are closed at once, others served', async () => {
  const port = await listen({ maximumConnections: 2 });
  const [first] = [await open(port), await open(port)];
  const third = await open(port);
  if (!third.closed) await once(third, 'close');
  first.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [answer] = await once(first, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
});
