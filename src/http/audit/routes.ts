/** The route that returns the entries of the audit log as NDJSON. */

import { NDJSON_TYPE } from '../../lib/media-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute } from '../plugins/route.ts';
import { auditLine, auditLinesSchema, auditQuery } from './entry.ts';

export function addAuditRoutes(app: ServerApp, { store, config }: ServerDependencies): void {
  app.get(
    '/v1/audit',
    describeRoute({
      operationId: 'listAuditEntries',
      scope: 'admin',
      tags: ['keys'],
      summary: 'Export the audit log, oldest first',
      description:
        'Shows what was changed, and by which key. The log has an entry for every successful request that ' +
        'changed something, and for every command that changes keys. Entries are written together with the ' +
        'change and never altered; old entries are removed after a while. Entries name no user and contain ' +
        'no key. To follow the log, continue from `X-Next-Cursor`, or from the time of the last entry.',
      querystring: auditQuery(config),
      response: {
        200: {
          description: 'The entries of the audit log.',
          headers: ['X-Next-Cursor'],
          content: { [NDJSON_TYPE]: { schema: auditLinesSchema } },
        },
      },
      errors: ['invalid_cursor'],
    }),
    async (request, reply) => {
      const { items, nextCursor } = await store.audit.list(request.query);
      if (nextCursor !== null) reply.header('x-next-cursor', nextCursor);
      return reply.type(NDJSON_TYPE).send(items.map(auditLine).join(''));
    },
  );
}
