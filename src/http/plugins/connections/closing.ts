/** A close that always finishes: responses in flight get a limited time, then they are cut off. */
import type { FastifyReply } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import type { ServerApp } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import type { OpenRequests } from './open-requests.ts';

/**
 * From `close()` on new requests are refused (503) and connections end with their response, at the latest after
 * `closeGraceMs`. Returns the function that a hook must call for every request. @throws AppError unavailable
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
      // a connection whose response head was already sent becomes idle only now
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
