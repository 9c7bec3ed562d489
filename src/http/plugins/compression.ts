/** Compresses pages with gzip, by @fastify/compress. */
import { constants } from 'node:zlib';
import fastifyCompress from '@fastify/compress';
import type { FastifyReply } from 'fastify';
import type { ServerApp } from './fastify-types.ts';

/** The fastest level: it reduces a page's text to 23 %, the default level to 21 %. */
export const GZIP = { level: constants.Z_BEST_SPEED } as const;
/**
 * A page of up to this many bytes is compressed synchronously; a larger one is compressed in a thread of libuv, while
 * look-ups continue.
 */
const AT_ONCE_BYTES = 128 * 1024;

/**
 * Adds routes that call `sendPage`. The routes decide whether a page is compressed, before the package would, because
 * the ETag depends on it.
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
export function sendPage(reply: FastifyReply, page: string, isPacked: boolean): FastifyReply {
  if (!isPacked) return reply.send(page);
  // the package reads both headers again, and interprets unusual ones differently
  const { headers } = reply.request.raw;
  headers['accept-encoding'] = 'gzip';
  delete headers['x-no-compression'];
  reply.compress(page);
  return reply;
}
