/**
 * Refuses new work while the disk has less room than its reserve, or where the database is lost; reads, deletions and
 * cancellations go on.
 */
import type { onRequestHookHandler, RouteOptions } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import type { StorageStatus } from '../../../service/ports/health.ts';
import type { ServerApp } from '../fastify-types.ts';
import { isApi } from '../route.ts';

/** When it is worth to ask again: space comes back by retention or by a person. */
const RETRY_AFTER_SECONDS = 60;

const WRITING = new Set(['POST', 'PUT', 'PATCH']);

/** Adds the check to the routes registered from now on that write what stays. */
export function refuseWithoutRoom(app: ServerApp, storage: Pick<StorageStatus, 'disk' | 'refuseIfLost'>): void {
  const refuse: onRequestHookHandler = (_request, _reply, done) => {
    storage.refuseIfLost();
    const { freeBytes, reserveBytes, isLow } = storage.disk();
    if (!isLow) return done();
    throw new AppError(
      'unavailable',
      freeBytes < reserveBytes
        ? `the disk has ${freeBytes} bytes left, less than its reserve of ${reserveBytes}: nothing new is taken`
        : `the disk was full, and its ${freeBytes} free bytes are kept for deletions: nothing new is taken`,
      { facts: { retry_after: RETRY_AFTER_SECONDS, free_bytes: freeBytes, reserve_bytes: reserveBytes } },
    );
  };
  app.addHook('onRoute', (route) => {
    if (!takesRoom(route)) return;
    route.onRequest = [route.onRequest ?? [], refuse].flat() as NonNullable<typeof route.onRequest>;
  });
}

/** Look-ups and estimates are POSTs too, and leave nothing behind. */
function takesRoom({ method, url, config }: RouteOptions): boolean {
  const writes = ([method].flat() as string[]).some((one) => WRITING.has(one));
  if (!isApi(url) || !writes || url.endsWith('/cancel')) return false;
  return config?.class === undefined || config.class === 'write' || config.class === 'upload';
}
