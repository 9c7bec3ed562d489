/** Servers on a real port, and bare sockets, which are destroyed after each test. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { undoAfterTests } from '../fixture/cleanup.ts';
import { type Fixture, openFixture } from './fixture.ts';

const sockets: Socket[] = [];
undoAfterTests(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Listens, and returns the port. */
export async function listen({ app }: Pick<Fixture, 'app'>, host = '127.0.0.1'): Promise<number> {
  if (!app.server.listening) await app.listen({ host, port: 0 });
  return (app.server.address() as AddressInfo).port;
}

/** Opens a server that listens. */
export async function startServer(...options: Parameters<typeof openFixture>) {
  const fixture = await openFixture(...options);
  return { fixture, port: await listen(fixture) };
}

/** A socket, and what it has received. */
export function openSocket(port: number, host = '127.0.0.1') {
  const socket = connect(port, host).on('error', () => {});
  sockets.push(socket);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  return { socket, answer: () => answer, closed: once(socket, 'close') };
}

/** Sends the pieces with a pause between them, and reads until the server closes. */
export async function exchange(port: number, ...pieces: readonly string[]): Promise<string> {
  const { socket, answer, closed } = openSocket(port);
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await sleep(30);
    socket.write(piece);
  }
  await closed;
  return answer();
}

/** Starts a request of which nothing is read yet. */
export function openPaused(port: number, path: string, headers = ''): Socket {
  const socket = connect(port, '127.0.0.1')
    .on('error', () => {})
    .pause();
  sockets.push(socket);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`);
  return socket;
}

export function countConnections({ app }: Fixture): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)));
}
