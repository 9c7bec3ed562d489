/** A receiver of webhooks on loopback that remembers what it got, and is closed after the test. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { undoAfterTests } from '../../fixture/cleanup.ts';

const opened: Receiver[] = [];
undoAfterTests(() => Promise.all(opened.splice(0).map((receiver) => receiver.close())));

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  /** `http://127.0.0.1:<port>/hook` */
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** The response from now on: a status, or the result of the function. */
  answer: number | ((response: ServerResponse) => void);
  close(): Promise<void>;
}

/** `onTestFinished`: of the test to which the receiver belongs, if it runs beside other tests of its file. */
export async function openReceiver(onTestFinished?: (close: () => Promise<void>) => void): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      receiver.received.push({
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      const { answer } = receiver;
      if (typeof answer === 'function') answer(response);
      else response.writeHead(answer).end('thanks');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received: [],
    answer: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  if (onTestFinished) onTestFinished(() => receiver.close());
  else opened.push(receiver);
  return receiver;
}
