/** Limits how long the server waits for responses in flight when it closes, so that closing always finishes. */
import type { FastifyReply } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import type { ServerApp } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import type { OpenRequests } from './open-requests.ts';

/**
 * After `close()`, new requests are refused (503), and connections end after their current response, at the latest
 * after `closeGraceMs`. Returns the function that a hook must call for every request.
 * @throws AppError unavailable
 */
export function closeGracefully(
  app: ServerApp,
  { closeGraceMs }: Pick<HttpLimits, 'closeGraceMs'>,
  requests: OpenRequests,
): (reply: FastifyReply) => void {
  let cut: NodeJS.Timeout | null = null;
  app.addHook('preClose', async () => {
    cut = setTimeout(() => app.server.closeAllConnections(), closeGraceMs);
    for (const response of requests.all()) {
      if (!response.headersSent) response.setHeader('connection', 'close');
      // the connection becomes idle only now, because its response head was sent before the server began to close
      response.once('close', () => setImmediate(() => app.server.closeIdleConnections()));
    }
  });
  app.addHook('onClose', async () => {
    if (cut !== null) clearTimeout(cut);
  });
  return (reply) => {
    if (cut === null) return;
    reply.header('connection', 'close');
    throw new AppError('unavailable', 'the server is closing', { facts: { retry_after: 1 } });
  };
}
