/**
 * Refuses new work while the disk has less free space than the reserve, or if the database is lost; reads, deletions
 * and cancellations continue.
 */
import type { onRequestHookHandler, RouteOptions } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import type { DiskState } from '../../../lib/files/disk-watch.ts';
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
    const disk = storage.disk();
    if (!disk.isLow) return done();
    const { freeBytes, reserveBytes } = disk;
    throw new AppError('unavailable', `${shortageOf(disk)}: new work is refused`, {
      facts: { retry_after: RETRY_AFTER_SECONDS, free_bytes: freeBytes, reserve_bytes: reserveBytes },
    });
  };
  app.addHook('onRoute', (route) => {
    if (!takesRoom(route)) return;
    route.onRequest = [route.onRequest ?? [], refuse].flat() as NonNullable<typeof route.onRequest>;
  });
}

function shortageOf({ freeBytes, reserveBytes, fault }: DiskState): string {
  if (fault !== null) return 'the free space of the disk cannot be read';
  return freeBytes < reserveBytes
    ? `the disk has ${freeBytes} bytes left, less than the reserve of ${reserveBytes}`
    : `the disk was full, and its ${freeBytes} free bytes are kept for deletions`;
}

/** Whether a route stores something. Some POST routes, such as batch look-ups and estimates, store nothing. */
function takesRoom({ method, url, config }: RouteOptions): boolean {
  const writes = ([method].flat() as string[]).some((one) => WRITING.has(one));
  if (!isApi(url) || !writes || url.endsWith('/cancel')) return false;
  return config?.class === undefined || config.class === 'write' || config.class === 'upload';
}
