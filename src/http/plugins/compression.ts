/** Pages that are packed by gzip, by @fastify/compress. */
import { constants } from 'node:zlib';
import fastifyCompress from '@fastify/compress';
import type { FastifyReply } from 'fastify';
import type { ServerApp } from './fastify-types.ts';

/** The fastest level: it leaves 23 % of a page's text, the usual one 21. */
export const GZIP = { level: constants.Z_BEST_SPEED } as const;
/** Bytes that are packed at once; of more, packing is left to a thread of libuv, so that look-ups go on beside it. */
const AT_ONCE_BYTES = 128 * 1024;

/**
 * Adds routes that call `sendPage`. They decide themselves what is packed, before the package would: whether a page
 * is packed is part of its ETag.
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

/** `isPacked` is what `acceptsGzip` said. */
export function sendPage(reply: FastifyReply, page: string, isPacked: boolean): FastifyReply {
  if (!isPacked) return reply.send(page);
  // the package reads both again, and in odd headers not what we read
  const { headers } = reply.request.raw;
  headers['accept-encoding'] = 'gzip';
  delete headers['x-no-compression'];
  reply.compress(page);
  return reply;
}
