/** Response schemas of match reports, and request schemas of uploads. */
import { z } from 'zod';
import type { SeedCounts } from '../../domain/types.ts';
import type { MatchReport } from '../../domain/user-sets.ts';
import { grouped } from '../../lib/text/counted.ts';
import type { ServerConfig } from '../config.ts';
import { seedCountFields } from '../expansions/expansion.ts';
import { component } from '../openapi/component.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, time } from '../plugins/json/fields.ts';
import { decimalNumber } from '../plugins/json/query-numbers.ts';
import type { Hint } from './match-hints.ts';
import { userIdList } from './user-id-list.ts';

const EXAMPLE = {
  users: 119,
  received: 120,
  known: 117,
  unknown: 2,
  duplicate: 1,
  suppressed: 4,
  unknown_examples: ['u-77', 'u-78 '],
  population_version: 'ba9876543210',
  created_at: '2026-11-25T12:00:00.000Z',
  updated_at: '2026-11-25T12:00:00.000Z',
};

/** Match report of the ids of one request, with probable reasons why ids are unknown. */
export interface SentIds extends SeedCounts {
  readonly hints: readonly Hint[];
}

const sent = answerOf<SentIds>()(
  { description: 'How the ids of this request match the population; only for changes.' },
  {
    ...seedCountFields,
    known_percent: z.number().describe('Percentage of the distinct ids sent that are in the population.'),
    unknown_examples: seedCountFields.unknown_examples.describe('At most 10.'),
    hints: z
      .array(
        z.object({
          found: z.enum(['json_lines', 'header', 'utf16', 'spaces', 'quotes', 'columns']),
          users: count.describe('Unknown ids that the hint applies to.'),
          example: z.string().describe('One of these ids.'),
          message: z.string(),
        }),
      )
      .readonly()
      .describe('Probable reasons why ids are unknown: another format, or spaces or quotes around them.'),
  },
  { known_percent: knownPercent },
);

/** Known users as a percentage of all distinct ids, rounded down to a tenth, so that 100 means that all are known. */
export function knownPercent({ known, unknown }: Pick<SeedCounts, 'known' | 'unknown'>): number {
  return Math.floor((known * 1_000) / (known + unknown)) / 10;
}

/** Match report of a set. After a change, the report also covers the ids of the request. */
export interface ShownSet extends MatchReport {
  readonly populationVersion: string;
  readonly isDryRun?: boolean;
  readonly sent?: SentIds;
}

/** Response schema of a match report of a set with the served population. */
export const userSet = answerOf<ShownSet>()(
  {
    id: 'UserSet',
    examples: [
      EXAMPLE,
      {
        ...EXAMPLE,
        dry_run: true,
        sent: {
          received: 120,
          known: 117,
          unknown: 2,
          duplicate: 1,
          known_percent: 98.3,
          unknown_examples: ['u-77', 'u-78 '],
          hints: [
            {
              found: 'spaces',
              users: 1,
              example: 'u-78 ',
              message: 'these ids are known without the spaces around them',
            },
          ],
        },
      },
    ],
  },
  {
    users: count.describe('User ids in the set: known + unknown.'),
    received: count.describe(
      'known + unknown + duplicate: the ids sent since the set was last replaced, minus those removed.',
    ),
    known: count,
    unknown: count.describe(
      'Ids that are not in this population version; they stay in the set, as the next version may have them.',
    ),
    duplicate: count.describe('Ids that were sent more than once.'),
    suppressed: count
      .optional()
      .describe("Only for seeds: known ids on the campaign's or the global suppression list, which are not used."),
    unknown_examples: seedCountFields.unknown_examples.describe('At most 10; `…/unknown` lists all of them.'),
    population_version: z.string(),
    created_at: time.nullable().describe('`null` if there is no set.'),
    updated_at: time.nullable(),
    dry_run: z
      .literal(true)
      .optional()
      .describe('Only for a dry run: nothing has changed; the report shows what the set would be.'),
    sent: sent.optional(),
  },
  {
    suppressed: ({ suppressed }) => suppressed ?? undefined,
    dry_run: ({ isDryRun }) => isDryRun || undefined,
  },
);

/** Query parameters of an upload. */
export const uploadQuery = z.strictObject({
  min_known_percent: decimalNumber({ minimum: 0, maximum: 100 })
    .refine((percent) => percent >= 0 && percent <= 100, 'a number from 0 to 100 is expected')
    .optional()
    .describe(
      'Refuse the change (`too_few_known`) if a smaller percentage of the ids is known: a suppression list that ' +
        'matches nobody protects nobody.',
    )
    .meta(component('MinKnownPercent')),
  dry_run: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Return the report of the set as it would be after the change, without changing anything.')
    .meta(component('DryRun')),
});

/** Request body of an upload by content type. Unless the body is JSON, the handler reads it line by line. */
export function uploadBody(config: ServerConfig) {
  const text = (description: string, example: string) => ({
    schema: z.string().meta({ description, examples: [example] }),
  });
  const ids = userIdList(config, `User ids, at most ${grouped(config.maximumInlineSeeds)} in JSON.`);
  return {
    content: {
      'text/plain': text('One user id per line, in UTF-8. Empty lines are ignored.', 'u1\nu2\n'),
      'application/x-ndjson': text(
        'One JSON string, or object with `user_id`, per line. Other fields of an object are ignored.',
        '"u1"\n{"user_id":"u2"}\n',
      ),
      'text/csv': text('RFC 4180 with a header row; the column `user_id` is read.', 'user_id,name\nu1,Ann\n'),
      'application/json': {
        schema: z
          .strictObject({ user_ids: ids })
          .meta({ ...component('UserIdList'), examples: [{ user_ids: ['u1', 'u2'] }] }),
      },
    },
  };
}
