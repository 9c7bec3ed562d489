/** The response schema and the query of the audit log. */
import { z } from 'zod';
import type { AuditEntry } from '../../domain/audit.ts';
import type { ServerConfig } from '../config.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { textSchema, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { pageCursor } from '../plugins/paging.ts';

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
  },
  { time: ({ at }) => at },
);

/** An entry as a line of NDJSON. */
export function auditLine(given: AuditEntry): string {
  return `${JSON.stringify(entry.parse(given))}\n`;
}

const instant = z.iso
  .datetime({ offset: true, error: 'a time as in RFC 3339 is expected' })
  .transform((text) => Date.parse(text));

export function auditQuery(config: ServerConfig) {
  return z.strictObject({
    since: instant
      .optional()
      .describe(
        'Only entries from this time or later. If the clock was set back, an entry counts as of the latest time ' +
          'recorded before it, so that continuing from the time of the last entry misses none.',
      ),
    until: instant.optional().describe('Only entries from before this time, determined in the same way.'),
    limit: pageLimit(config.maximumAuditPageSize, config.defaultAuditPageSize),
    cursor: pageCursor,
  });
}

export const auditLinesSchema = textSchema.meta({
  description:
    "One entry per line: `time`, `actor` (the id of a key; `admin`: the operator's key; `local`: a command; " +
    '`anonymous`: no key was required), `address` of the client, `action` (an operation id), `resource` and ' +
    '`resource_id`, `status` and `request_id`.',
  examples: [
    '{"time":"2026-11-26T12:00:00.000Z","actor":"mh_1a2b3c4d5e6f","address":"10.0.0.7","action":"deleteCampaign",' +
      '"resource":"campaign","resource_id":"0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11","status":204,' +
      '"request_id":"0b0c1d6e-6a1f-4f5c-9a55-0f6f1f3f7a11"}\n',
  ],
});
