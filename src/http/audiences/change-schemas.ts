/** The shapes of changes of active audiences. */
import { z } from 'zod';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { count, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';

export const activateBody = z
  .strictObject({ version: z.int().min(1).describe('An existing version.') })
  .meta({ ...component('AudienceActivate'), examples: [{ version: 1 }] });

export const changesSchema = z
  .object({
    items: z.array(
      z.object({
        campaign_id: z.string(),
        kind: z.enum(['activated', 'deleted']),
        version: count.nullable().describe('The version that became active; null for a deleted campaign.'),
        previous_version: count.nullable(),
        size: count.nullable(),
        diff: z
          .string()
          .nullable()
          .describe(
            'Address of the difference to the previous version, valid as long as both are kept (else 404 ' +
              '`audience_not_found`).',
          ),
        changed_at: time,
      }),
    ),
    next_cursor: z.string().describe('`since` of the next call, even if nothing is left.'),
    has_more: z.boolean(),
  })
  .meta({
    id: 'Changes',
    description: 'Oldest first.',
    examples: [
      {
        items: [
          {
            campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
            kind: 'activated',
            version: 2,
            previous_version: 1,
            size: 1000,
            diff: '/v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11/audiences/1/diff/2',
            changed_at: '2026-11-25T12:00:00.000Z',
          },
        ],
        next_cursor: 'eDE6MTI',
        has_more: false,
      },
    ],
  });

export function changesQuery(config: ServerConfig) {
  return z.strictObject({
    since: z
      .string()
      .optional()
      .describe('`next_cursor` of the previous call; without it, everything from the first change on.'),
    limit: pageLimit(config.maximumPageSize, config.defaultPageSize),
  });
}
