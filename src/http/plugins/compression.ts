/** Compresses pages with gzip, using @fastify/compress. */
import { constants } from 'node:zlib';
import fastifyCompress from '@fastify/compress';
import type { FastifyReply } from 'fastify';
import type { ServerApp } from './fastify-types.ts';

/**
 * The fastest compression level, which reduces pages to 23 % of their size. The default level reduces pages to 21 %.
 */
export const GZIP = { level: constants.Z_BEST_SPEED } as const;
/**
 * Maximum number of bytes that are compressed synchronously. Larger pages are compressed in a libuv thread, while
 * look-ups continue.
 */
const AT_ONCE_BYTES = 128 * 1024;

/**
 * Adds routes that call `sendPage`. The routes, rather than @fastify/compress, decide whether a page is compressed,
 * because the ETag depends on the compression.
 */
export async function addPacking(app: ServerApp, addRoutes: (app: ServerApp) => void): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyCompress, {
      ...{ global: false, encodings: ['gzip'], customTypes: () => true },
      ...{ threshold: 0, syncThreshold: AT_ONCE_BYTES, zlibOptions: GZIP },
    });
    addRoutes(scope);
  });
}

/** Sends a page; `isPacked` is the result of `acceptsGzip`. */
export function sendPage(reply: FastifyReply, page: string | Buffer, isPacked: boolean): FastifyReply {
  if (!isPacked) return reply.send(page);
  // @fastify/compress reads both of these headers again, and interprets unusual values differently
  const { headers } = reply.request.raw;
  headers['accept-encoding'] = 'gzip';
  delete headers['x-no-compression'];
  reply.compress(page);
  return reply;
}
