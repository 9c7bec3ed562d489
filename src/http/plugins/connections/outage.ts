/**
 * What a node of a cluster does while the database does not answer: look-ups are answered from memory for a limited
 * time, with a header that says so, and changes are refused at once.
 */
import type { FastifyRequest } from 'fastify';
import type { Outage } from '../../../domain/ports/cluster.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ServerConfig } from '../../config.ts';
import type { RequestClass, ServerApp } from '../fastify-types.ts';
import { classOf } from '../request-log.ts';
import { isApi } from '../route.ts';

/** Seconds after which a refused caller may retry: a node notices the end of an outage within a second. */
const RETRY_AFTER_SECONDS = 2;

const CHANGES: ReadonlySet<RequestClass> = new Set(['write', 'upload']);

/** Adds the check to all requests. `outageNow` takes no time. */
export function surviveOutages(
  app: ServerApp,
  outageNow: () => Outage | null,
  { maximumOutageMs }: Pick<ServerConfig, 'maximumOutageMs'>,
): void {
  app.addHook('onRequest', (request, reply, done) => {
    const outage = outageNow();
    if (outage === null || !isApi(request.url)) return done();
    const seconds = Math.ceil(outage.ms / 1000);
    const isOver = outage.ms >= maximumOutageMs;
    if (!isOver && !isChange(request)) {
      reply.header('x-stale-seconds', seconds);
      return done();
    }
    const rest = isOver ? 'look-ups are no longer answered either' : 'nothing can be changed';
    throw new AppError('unavailable', `the database has not answered for ${seconds} s: ${rest}`, {
      facts: { retry_after: RETRY_AFTER_SECONDS },
    });
  });
}

function isChange({ method, routeOptions }: FastifyRequest): boolean {
  return CHANGES.has(classOf(method, routeOptions.config));
}
