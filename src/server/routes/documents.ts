/** Routes of the API's own description: the OpenAPI document, and a page that shows it. */
import swaggerUi from '@fastify/swagger-ui';
import type { ServerApp } from '../fastify-types.ts';

export async function addDocumentRoutes(app: ServerApp): Promise<void> {
  app.get('/openapi.json', { config: { quiet: true }, schema: { hide: true } }, async (_request, reply) => {
    return reply.type('application/json').send(app.swagger());
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list' } });
}
