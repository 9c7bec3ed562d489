/**
 * Refuses new work while the disk has less free space than the reserve, or if the database is lost; reads, deletions
 * and cancellations continue.
 */
import type { onRequestHookHandler, RouteOptions } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import type { StorageStatus } from '../../../service/ports/health.ts';
import type { ServerApp } from '../fastify-types.ts';
import { isApi } from '../route.ts';

/** Seconds after which a refused caller may retry. Retention or a person must free space first. */
const RETRY_AFTER_SECONDS = 60;

const WRITING = new Set(['POST', 'PUT', 'PATCH']);

/** Adds the check to routes that are registered later and store something. */
export function refuseWithoutRoom(app: ServerApp, storage: Pick<StorageStatus, 'disk' | 'refuseIfLost'>): void {
  const refuse: onRequestHookHandler = (_request, _reply, done) => {
    storage.refuseIfLost();
    const { freeBytes, reserveBytes, isLow } = storage.disk();
    if (!isLow) return done();
    throw new AppError(
      'unavailable',
      freeBytes < reserveBytes
        ? `the disk has ${freeBytes} bytes left, less than the reserve of ${reserveBytes}: new work is refused`
        : `the disk was full, and its ${freeBytes} free bytes are kept for deletions: new work is refused`,
      { facts: { retry_after: RETRY_AFTER_SECONDS, free_bytes: freeBytes, reserve_bytes: reserveBytes } },
    );
  };
  app.addHook('onRoute', (route) => {
    if (!takesRoom(route)) return;
    route.onRequest = [route.onRequest ?? [], refuse].flat() as NonNullable<typeof route.onRequest>;
  });
}

/** Whether a route stores something. Some POST routes, such as batch look-ups and estimates, store nothing. */
function takesRoom({ method, url, config }: RouteOptions): boolean {
  const writes = ([method].flat() as string[]).some((one) => WRITING.has(one));
  if (!isApi(url) || !writes || url.endsWith('/cancel')) return false;
  return config?.class === undefined || config.class === 'write' || config.class === 'upload';
}
