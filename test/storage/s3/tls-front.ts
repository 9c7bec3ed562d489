/** TLS before a server that speaks plain HTTP. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { createServer } from 'node:tls';
import type { Certificate } from '../../fixture/certificates.ts';

export interface TlsFront {
  readonly port: number;
  close(): Promise<void>;
}

/** Decrypts connections and passes their bytes on to `target`. A connection that does not begin with TLS is closed. */
export async function startTlsFront(target: string, { key, certificate }: Certificate): Promise<TlsFront> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (encrypted) => {
    const plain = connect(Number(port), hostname);
    // either side may end the connection at any time
    pipeline(encrypted, plain, encrypted, () => {});
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
