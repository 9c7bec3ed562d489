/** The audit log: the schema of an entry, and the route that streams the entries as NDJSON. */

import { z } from 'zod';
import type { AuditEntry } from '../../domain/audit.ts';
import { NDJSON_TYPE } from '../../lib/media-types.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { instant, textSchema, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { pageCursor } from '../plugins/paging.ts';
import { describeRoute } from '../plugins/route.ts';

const text = z.string().nullable();

const entry = answerOf<AuditEntry>()(
  {},
  {
    time,
    actor: z.string(),
    address: text,
    action: z.string(),
    resource: text,
    resource_id: text,
    status: z.number().nullable(),
    request_id: text,
    facts: z.record(z.string(), z.union([z.string(), z.number()])).nullable(),
  },
  { time: ({ at }) => at, facts: ({ facts }) => facts ?? null },
);

/** Returns an entry as a line of NDJSON. */
export function auditLine(given: AuditEntry): string {
  return `${JSON.stringify(entry.parse(given))}\n`;
}

function auditQuery(config: ServerConfig) {
  return z.strictObject({
    since: instant
      .optional()
      .describe(
        'Start of the time range (inclusive). If the clock was set back, an entry counts as written at the ' +
          'latest time recorded before it, so a caller that continues from the time of the last entry misses no ' +
          'entries.',
      ),
    until: instant
      .optional()
      .describe('End of the time range (exclusive). The time of an entry is determined as for `since`.'),
    limit: pageLimit(config.maximumAuditPageSize, config.defaultAuditPageSize),
    cursor: pageCursor,
  });
}

const auditLinesSchema = textSchema.meta({
  description:
    "One entry per line, with the fields `time`, `actor` (the id of a key, `admin` for the operator's key, " +
    '`local` for a command, `anonymous` if no key was required, or `service`), `address` of the client, `action` (an ' +
    'operation id), `resource`, `resource_id`, `status`, `request_id` and `facts` (such as the ' +
    '`consent_basis` of an uploaded list; usually `null`). If object storage keeps versions of files ' +
    'that an erasure deleted, the erasure has a second entry, with the resource `kept_versions` and their number, or ' +
    '`unknown`, as `resource_id`.',
  examples: [
    '{"time":"2026-11-26T12:00:00.000Z","actor":"mh_1a2b3c4d5e6f","address":"10.0.0.7","action":"deleteCampaign",' +
      '"resource":"campaign","resource_id":"0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11","status":204,' +
      '"request_id":"0b0c1d6e-6a1f-4f5c-9a55-0f6f1f3f7a11","facts":null}\n',
  ],
});

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
