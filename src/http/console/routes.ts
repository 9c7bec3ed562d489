/** Serves the console's static files. The files are public; their data comes from the API, which requires keys. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifySchema } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import { PACKAGE_ROOT } from '../../lib/package-root.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { addPages } from '../plugins/page-headers.ts';
import { describeRoute } from '../plugins/route.ts';

/** The folder of the built console, which is the same whether the service runs from the sources or from dist/. */
const CONSOLE_FOLDER = join(PACKAGE_ROOT, 'dist/console/');

const PAGE = 'index.html';

/** Matches relative file paths without `..` and without names that begin with a dot. */
const FILE = /^\w[\w.-]*(\/\w[\w.-]*)*$/;

/** Matches the paths of files whose names contain a hash of their contents. */
const HASHED = /^assets\//;
const FOREVER = 'public, max-age=31536000, immutable';
const CHECKED = 'no-cache';

/**
 * Serves `/console/` from `folder`. The console's pages differ only in the URL fragment, so a path that names no file
 * gets 404. If the console was not built when the service started, every path returns a problem that says how to build
 * the console.
 */
export async function addConsoleRoutes(app: ServerApp, folder: string = CONSOLE_FOLDER): Promise<void> {
  const isBuilt = existsSync(join(folder, PAGE));
  await addPages(app, 'console', async (scope) => {
    if (isBuilt) await scope.register(fastifyStatic, { root: folder, serve: false, preCompressed: true });
    scope.get('/console', { schema: fileSchema() }, (_request, reply) => reply.redirect('/console/', 308));
    scope.get<{ Params: { '*': string } }>('/console/*', { schema: fileSchema() }, (request, reply) => {
      if (!isBuilt)
        throw new AppError(
          'route_not_found',
          'the console is not built: run `npm run build`, then restart the service',
        );
      const path = request.params['*'] || PAGE;
      if (!FILE.test(path)) return reply.callNotFound();
      return reply
        .headers({
          'cache-control': HASHED.test(path) ? FOREVER : CHECKED,
          vary: 'accept-encoding',
        })
        .sendFile(path, { cacheControl: false, dotfiles: 'ignore', index: false });
    });
  });
}

/**
 * The schema of routes that serve files. The routes are public, and hidden from the OpenAPI document because they are
 * not operations.
 */
function fileSchema(): FastifySchema {
  const page = describeRoute({ operationId: 'getConsole', scope: 'none', tags: [], summary: '', response: {} });
  return { hide: true, facts: page.schema.facts };
}
