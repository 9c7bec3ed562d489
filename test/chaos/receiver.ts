/** A receiver of webhooks that keeps a ledger of every call, with its times. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/lib/clock.ts';

/** A call of a webhook. Times are in ms since 1970. */
export interface Received {
  /** The path of the webhook's URL. */
  readonly path: string;
  /** The header `webhook-id`, which is that of the event. */
  readonly event: string;
  readonly from: number;
  /** When it was answered, or the caller broke it off; infinity until then. */
  to: number;
  /** The status that the caller got; null if it got none. */
  status: number | null;
}

export class EventReceiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  /** Calls are not answered until then. */
  readonly #held = new Set<ServerResponse>();
  #status: number | 'none' = 200;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => this.#take(request, response));
  }

  static async open(host: string): Promise<EventReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return new EventReceiver(server);
  }

  /** The URL of a webhook with this path. */
  url(path: string): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}${path}`;
  }

  /** From now on, calls are answered with this status, or not at all. */
  answer(status: number | 'none'): void {
    this.#status = status;
    if (status === 'none') return;
    for (const response of this.#held) response.destroy();
    this.#held.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const call: Received = {
      path: request.url ?? '',
      event: String(request.headers['webhook-id']),
      from: systemClock.now(),
      to: Number.POSITIVE_INFINITY,
      status: null,
    };
    this.received.push(call);
    request.resume();
    response.once('close', () => {
      call.to = systemClock.now();
      if (response.writableFinished) call.status = response.statusCode;
    });
    request.once('end', () => {
      if (this.#status === 'none') this.#held.add(response);
      else response.writeHead(this.#status).end();
    });
  }
}
