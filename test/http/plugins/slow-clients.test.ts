/** Clients that hold connections: heads that never end, sockets that send nothing, responses that are never read. */
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { importUsers } from '../fixture.ts';
import { countConnections, exchange, openSocket, startServer } from '../sockets.ts';

const population = await importUsers(['u1', 'u2']);

async function open(port: number) {
  const { socket } = openSocket(port);
  await once(socket, 'connect');
  return socket;
}

it.each([
  ['a head that never ends', 'GET /livez HTTP/1.1\r\nhost: localhost\r\n'],
  ['nothing', ''],
])('%s is answered 408, and its connection closed', async (_name, text) => {
  const { port } = await startServer(population, { headersTimeoutMs: 200, lingerMs: 100 });
  const answer = await exchange(port, text);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('x-content-type-options: nosniff');
});

it('a response that nobody takes does not hold its connection', async () => {
  const { fixture, port } = await startServer(population, { streamStallMs: 200 });
  const socket = await open(port);
  socket.pause();
  // more than both ends buffer
  for (let i = 0; i < 400; i++) socket.write('GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await vi.waitFor(async () => expect(await countConnections(fixture)).toBe(1));
  await vi.waitFor(async () => expect(await countConnections(fixture)).toBe(0), { timeout: 20_000, interval: 50 });
}, 30_000);

it('connections beyond the maximum are closed at once, others served', async () => {
  const { port } = await startServer(population, { maximumConnections: 2 });
  const [first] = [await open(port), await open(port)];
  const third = await open(port);
  if (!third.closed) await once(third, 'close');
  first.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [answer] = await once(first, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
});
