/** Route of the audit log: its entries as NDJSON. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { NDJSON_TYPE } from '../plugins/media-types.ts';
import { describeRoute } from '../plugins/route.ts';
import { auditLine } from './present.ts';
import { auditLinesSchema, auditQuery } from './schemas.ts';

/** What these routes call. */
export type AuditNeeds = Pick<ServerDependencies, 'config'> & {
  readonly store: Pick<ServerDependencies['store'], 'audit'>;
};

export function addAuditRoutes(app: ServerApp, { store, config }: AuditNeeds): void {
  app.get(
    '/v1/audit',
    {
      schema: describeRoute({
        operationId: 'listAuditEntries',
        scope: 'admin',
        tags: ['keys'],
        summary: 'Export the audit log, oldest first',
        description:
          'What was changed, by which key: every request that succeeded and changed something, and the commands that ' +
          'change keys. Entries are written with the change, and nothing alters them; old ones are removed after a ' +
          'while. They name no user and contain no key. To follow the log, go on from `X-Next-Cursor`, or from the ' +
          'time of the last entry.',
        querystring: auditQuery(config),
        response: {
          200: {
            description: 'Entries.',
            headers: ['X-Next-Cursor'],
            content: { [NDJSON_TYPE]: { schema: auditLinesSchema } },
          },
        },
        errors: ['invalid_cursor'],
      }),
    },
    async (request, reply) => {
      const { items, nextCursor } = store.audit.list(request.query);
      if (nextCursor !== null) reply.header('x-next-cursor', nextCursor);
      return reply.type(NDJSON_TYPE).send(items.map((entry) => `${auditLine(entry)}\n`).join(''));
    },
  );
}
