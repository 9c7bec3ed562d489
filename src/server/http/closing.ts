/** A close that is sure to finish: responses in flight get a limited time, then they are cut off. */
import { AppError } from '../../lib/errors.ts';
import type { ServerApp } from './fastify-types.ts';
import type { HttpLimits } from './limits.ts';

/**
 * From `close()` on new requests are refused (503) and connections end with their response, at the latest after
 * `closeGraceMs`.
 */
export function closeGracefully(app: ServerApp, { closeGraceMs }: Pick<HttpLimits, 'closeGraceMs'>): void {
  let cut: NodeJS.Timeout | null = null;
  app.addHook('preClose', async () => {
    cut = setTimeout(() => app.server.closeAllConnections(), closeGraceMs);
  });
  app.addHook('onClose', async () => {
    if (cut !== null) clearTimeout(cut);
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    if (cut !== null) throw new AppError('unavailable', 'the server is closing', { facts: { retry_after: 1 } });
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (cut !== null) reply.header('connection', 'close');
    done(null, payload);
  });
  // A connection that was kept alive before the close began becomes idle only now.
  app.addHook('onResponse', (_request, _reply, done) => {
    if (cut !== null) setImmediate(() => app.server.closeIdleConnections());
    done();
  });
}
