/**
 * Routes of the API's own documentation: the OpenAPI document, a page that shows it, and a page for each error code.
 */
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import { JSON_TYPE } from '../../lib/media-types.ts';
import { negotiate } from '../plugins/accept.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { textSchema } from '../plugins/json/fields.ts';
import { addPages } from '../plugins/page-headers.ts';
import { describeRoute } from '../plugins/route.ts';
import {
  errorListSchema,
  errorPageSchema,
  findErrorPage,
  listErrorPages,
  renderErrorList,
  renderErrorPage,
} from '../problems/pages.ts';

import { PAGE_THEME } from './page-theme.ts';

const HTML_TYPE = 'text/html';

export async function addDocumentRoutes(app: ServerApp): Promise<void> {
  app.get('/openapi.json', { config: { quiet: true }, schema: { hide: true } }, async (_request, reply) => {
    return reply.type(JSON_TYPE).send(app.swagger());
  });
  await addPages(app, 'plain', addErrorPages);
  await addPages(app, 'scripted', async (scope) => {
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      ...PAGE_THEME,
      // by default, the page sends the URL of the document to a public validator
      uiConfig: { docExpansion: 'list', validatorUrl: null },
    });
  });
}

function addErrorPages(app: ServerApp): void {
  app.get(
    '/docs/errors',
    describeRoute({
      operationId: 'listErrorCodes',
      scope: 'none',
      tags: ['documents'],
      summary: 'List the error codes',
      response: {
        200: {
          description: 'A list of all error codes with their pages.',
          headers: ['Vary'],
          content: { [HTML_TYPE]: { schema: textSchema }, [JSON_TYPE]: { schema: errorListSchema } },
        },
      },
      errors: ['not_acceptable'],
    }),
    async (request, reply) => {
      const items = listErrorPages();
      if (negotiate(request, [HTML_TYPE, JSON_TYPE]) === JSON_TYPE) {
        return reply.header('vary', 'accept').type(JSON_TYPE).send({ items });
      }
      return sendHtml(reply, renderErrorList(items));
    },
  );

  app.get(
    '/docs/errors/:code',
    describeRoute({
      operationId: 'getErrorCode',
      scope: 'none',
      tags: ['documents'],
      summary: 'Get the meaning of an error code, with advice',
      params: z.strictObject({
        code: z.string().meta({ description: 'An error code.', examples: ['invalid_request'] }),
      }),
      response: {
        200: {
          description: 'The page of the error code. The `type` of problems with this code links to the page.',
          headers: ['Vary'],
          content: { [HTML_TYPE]: { schema: textSchema }, [JSON_TYPE]: { schema: errorPageSchema } },
        },
      },
      errors: ['route_not_found', 'not_acceptable'],
    }),
    async (request, reply) => {
      const type = negotiate(request, [HTML_TYPE, JSON_TYPE]);
      const page = findErrorPage(request.params.code);
      if (page === null)
        throw new AppError('route_not_found', 'there is no such error code: /docs/errors lists all codes');
      if (type === JSON_TYPE) return reply.header('vary', 'accept').type(JSON_TYPE).send(page);
      return sendHtml(reply, renderErrorPage(page));
    },
  );
}

function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  return reply.header('vary', 'accept').type(`${HTML_TYPE}; charset=utf-8`).send(html);
}
