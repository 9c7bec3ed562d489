/** The connections of the server: how many there may be, how long a head may take, and responses that nobody takes. */
import { createServer, type Server } from 'node:http';
import type { FastifyServerFactory } from 'fastify';
import type { ServerApp } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import type { OpenRequests } from './open-requests.ts';

/** How often Node looks for heads and requests that are late, at least. */
const CHECK_MS = 5_000;

/** Refused connections are told of together: there may be thousands a second. */
const REPORT_MS = 10_000;

/**
 * Makes the server, or a server for each address of a name: they share `maximumConnections`. One more is closed at
 * once. `onRefused` is called with their number, now and then.
 */
export function createServers(config: HttpLimits, onRefused: (connections: number) => void): FastifyServerFactory {
  const servers: Server[] = [];
  let refused = 0;
  const report = () => {
    onRefused(refused);
    refused = 0;
  };
  const headersTimeout = Math.min(config.headersTimeoutMs, config.requestTimeoutMs);
  return (handler) => {
    const server = createServer(
      {
        headersTimeout,
        requestTimeout: config.requestTimeoutMs,
        keepAliveTimeout: config.keepAliveTimeoutMs,
        connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeout),
      },
      handler,
    );
    servers.push(server);
    for (const one of servers) one.maxConnections = Math.max(1, Math.floor(config.maximumConnections / servers.length));
    server.on('drop', () => {
      refused += 1;
      if (refused === 1) setTimeout(report, REPORT_MS).unref();
    });
    return server;
  };
}

/**
 * Closes connections whose client takes nothing of a finished response for `streamStallMs`; streams look after
 * themselves. Looking at what is open now and then costs requests nothing.
 */
export function closeUnread(
  app: ServerApp,
  { streamStallMs }: Pick<HttpLimits, 'streamStallMs'>,
  requests: OpenRequests,
): void {
  const timer = setInterval(() => {
    for (const response of requests.all()) {
      const isUnread = response.writableEnded && !response.writableFinished;
      // Node's own timer, which starts again with each part that is taken; the next request sets another
      if (isUnread && !response.socket?.timeout) response.socket?.setTimeout?.(streamStallMs);
    }
  }, streamStallMs).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
