/** Limits connections: their number, the time for a request head, and the time for which a response may stay unread. */
import { createServer, type Server } from 'node:http';
import type { FastifyServerFactory } from 'fastify';
import type { ServerApp } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import type { OpenRequests } from './open-requests.ts';

/** Maximum number of milliseconds between Node's checks for late request heads and late requests. */
const CHECK_MS = 5_000;

/** Milliseconds between reports of refused connections, because thousands may be refused per second. */
const REPORT_MS = 10_000;

/**
 * Creates a server, or one server for each address of a host name. The servers share `maximumConnections`. Further
 * connections are closed at once, and `onRefused` is called periodically with their number.
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
 * Closes a connection if the client reads no part of a finished response for `streamStallMs`. Streams have their own
 * check. A periodic check of open connections adds no cost to requests.
 */
export function closeUnread(
  app: ServerApp,
  { streamStallMs }: Pick<HttpLimits, 'streamStallMs'>,
  requests: OpenRequests,
): void {
  const timer = setInterval(() => {
    for (const response of requests.all()) {
      const isUnread = response.writableEnded && !response.writableFinished;
      // Node's socket timer restarts whenever the client reads data, and the next request sets the timer again
      if (isUnread && !response.socket?.timeout) response.socket?.setTimeout?.(streamStallMs);
    }
  }, streamStallMs).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
