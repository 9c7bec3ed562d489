/** Response schemas of match reports, and request schemas of uploads. */
import { z } from 'zod';
import { CONSENT_BASES } from '../../domain/consent.ts';
import { splitLabel } from '../../domain/identities.ts';
import type { SeedCounts } from '../../domain/types.ts';
import type { IdentifierMatches, MatchReport } from '../../domain/user-sets.ts';
import { grouped } from '../../lib/text/counted.ts';
import type { ServerConfig } from '../config.ts';
import { outside, seedCountFields } from '../expansions/expansion.ts';
import { component } from '../openapi/component.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, time } from '../plugins/json/fields.ts';
import { decimalNumber } from '../plugins/json/query-numbers.ts';
import { type EntryField, expiringList } from './entry-fields.ts';
import { identifierKind, identifierQuery } from './identifiers.ts';
import type { Hint } from './match-hints.ts';
import { seedList } from './seed-weights.ts';
import { userIdList } from './user-id-list.ts';

const EXAMPLE = {
  users: 119,
  received: 120,
  known: 117,
  unknown: 2,
  duplicate: 1,
  suppressed: 4,
  contradicting: 0,
  consent_basis: 'consent' as const,
  unknown_examples: ['u-77', 'u-78 '],
  population_version: 'ba9876543210',
  created_at: '2026-11-25T12:00:00.000Z',
  updated_at: '2026-11-25T12:00:00.000Z',
};

const EXPIRES = { expires_at: '2099-12-31T00:00:00Z' };

/** Match report for the ids in one request, with probable reasons why ids are unknown. */
export interface SentIds extends SeedCounts {
  readonly hints: readonly Hint[];
}

const sent = answerOf<SentIds>()(
  { description: 'Match report for the ids in this request. Only present after a change to the set.' },
  {
    ...seedCountFields,
    outside,
    known_percent: z
      .number()
      .describe(
        "Percentage of the request's distinct ids that are in the population, not counting users in `outside`; 100 " +
          'if there are no others.',
      ),
    hints: z
      .array(
        z.object({
          found: z
            .enum(['json_lines', 'header', 'utf16', 'spaces', 'quotes', 'columns'])
            .describe('Stable code of the reason; `message` explains it.'),
          users: count.describe('Number of unknown ids that the hint applies to.'),
          example: z.string().describe('An unknown id that the hint applies to.'),
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
  if (known + unknown === 0) return 100;
  return Math.floor((known * 1_000) / (known + unknown)) / 10;
}

function describeMatches({ label, users, known }: IdentifierMatches) {
  return { ...splitLabel(label), users, known, known_percent: knownPercent({ known, unknown: users - known }) };
}

/** Match report of a set. After a change, the report also covers the ids of the request. */
export interface ShownSet extends MatchReport {
  readonly populationVersion: string;
  readonly isDryRun?: boolean;
  readonly sent?: SentIds;
}

/** Response schema of the report on matching a set with the served population. */
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
    users: count.describe('Number of users in the set: known + unknown + outside.'),
    received: count.describe(
      'Number of ids sent since the set was last replaced, minus removed ids: known + unknown + outside + ' +
        'duplicate.',
    ),
    known: seedCountFields.known.describe('Number of ids that are in this population version.'),
    unknown: count.describe(
      'Number of ids that are not in this population version. These ids stay in the set, because the next ' +
        'version may contain them.',
    ),
    outside,
    duplicate: seedCountFields.duplicate,
    suppressed: count
      .optional()
      .describe(
        'Number of known ids that are not used because they are on a suppression list. Only for seeds and negatives.',
      ),
    contradicting: count
      .optional()
      .describe(
        'Number of known ids that are both seeds and negatives. They count as negatives. Only for these two sets.',
      ),
    identifiers: z
      .array(
        z.object({
          ...identifierKind,
          users: count.describe('Number of distinct identifiers of this type and rule in the set.'),
          known: count.describe('Number of these identifiers that belong to a user in this population version.'),
          known_percent: z.number().describe('`known` as a percentage of `users`, rounded down to a tenth.'),
        }),
      )
      .optional()
      .describe('How the identifiers in the set match, by type and rule. Only for a set with identifiers.'),
    weights: z
      .object({
        min: z.number().describe('Smallest weight.'),
        median: z.number().describe('Median of the weights, to three significant digits.'),
        max: z.number().describe('Largest weight.'),
        distinct: count.describe('Number of different weights, to three significant digits.'),
      })
      .optional()
      .describe('Weights of the seeds, as they were sent. Only for seeds that do not all have weight 1.'),
    consent_basis: z
      .enum(CONSENT_BASES)
      .nullable()
      .describe('Legal basis for processing the users of the set; `null` if none was given.'),
    expiring: z
      .object({
        users: count.describe('Number of users who will expire.'),
        next_at: time.nullable().describe('When the first of them expires; `null` if there are none.'),
      })
      .optional()
      .describe('The users who will expire and leave the list. Only for suppression lists.'),
    unknown_examples: seedCountFields.unknown_examples.describe(
      'Up to 10 unknown ids. `…/unknown` lists all unknown ids.',
    ),
    population_version: z.string().describe('The population version that the counts refer to.'),
    created_at: time.nullable().describe('Time at which the set was created; `null` if there is no set.'),
    updated_at: time.nullable().describe('Time of the latest change to the set; `null` if there is no set.'),
    dry_run: z
      .literal(true)
      .optional()
      .describe('Whether the request was a dry run: nothing has changed, and the report shows what the set would be.'),
    sent: sent.optional(),
  },
  {
    suppressed: ({ suppressed }) => suppressed ?? undefined,
    contradicting: ({ contradicting }) => contradicting ?? undefined,
    identifiers: ({ identifiers }) => (identifiers.length === 0 ? undefined : identifiers.map(describeMatches)),
    weights: ({ weights }) => weights ?? undefined,
    expiring: ({ expiring }) => (expiring === null ? undefined : { users: expiring.users, next_at: expiring.nextAt }),
    dry_run: ({ isDryRun }) => isDryRun || undefined,
  },
);

/** The legal basis for processing the users of a list. */
export const consentBasis = z
  .enum(CONSENT_BASES)
  .optional()
  .describe(
    'Legal basis for processing the users of the list. It is kept until the list is replaced or deleted. A list that ' +
      'is replaced without a basis has none.',
  );

/** Query parameters of an upload. */
export const uploadQuery = z.strictObject({
  min_known_percent: decimalNumber({ minimum: 0, maximum: 100 })
    .refine((percent) => percent >= 0 && percent <= 100, 'a number from 0 to 100 is expected')
    .optional()
    .describe(
      'Minimum percentage of the sent ids that must be known; otherwise the change is refused (`too_few_known`). A ' +
        'suppression list that matches no user has no effect.',
    )
    .meta(component('MinKnownPercent')),
  dry_run: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Whether to return the report of the set as it would be after the change, without changing anything.')
    .meta(component('DryRun')),
  consent_basis: consentBasis.meta(component('ConsentBasis')),
  ...identifierQuery,
});

/**
 * Schemas of an upload's body, by content type. Its users may have an extra field. The handler reads all bodies but
 * JSON line by line. `now` returns ms since 1970.
 */
export function uploadBody(config: ServerConfig, field: EntryField['name'] | null, now: () => number) {
  const isWeighted = field === 'weight';
  const text = (description: string, example: string) => ({
    schema: z.string().meta({ description, examples: [example] }),
  });
  const described = `User ids, at most ${grouped(config.maximumInlineSeeds)} in JSON.`;
  const ids = {
    weight: () =>
      z
        .strictObject({ user_ids: seedList(config, described) })
        .meta({ ...component('SeedList'), examples: [{ user_ids: ['u1', { user_id: 'u2', weight: 2.5 }] }] }),
    expires_at: () =>
      z
        .strictObject({ user_ids: expiringList(config, described, now) })
        .meta({ ...component('SuppressedList'), examples: [{ user_ids: ['u1', { user_id: 'u2', ...EXPIRES }] }] }),
    none: () =>
      z
        .strictObject({ user_ids: userIdList(config, described) })
        .meta({ ...component('UserIdList'), examples: [{ user_ids: ['u1', 'u2'] }] }),
  }[field ?? 'none']();
  const names = field === null ? '`user_id`' : `\`user_id\` and \`${field}\``;
  const lines = isWeighted
    ? 'One JSON value per line: a string, or an object with `user_id` and `weight`. For a user who may not be in the ' +
      'population, `features` is an object with all features of the user by name; `user_id` may then be absent. ' +
      'Other fields are ignored.'
    : `One JSON value per line: a string, or an object with ${names}. Other fields are ignored.`;
  return {
    content: {
      'text/plain': text('One user id per line, in UTF-8. Empty lines are ignored.', 'u1\nu2\n'),
      'application/x-ndjson': text(
        lines,
        isWeighted
          ? '"u1"\n{"user_id":"u2","weight":2.5}\n{"user_id":"x1","features":{"country":"DE","age":31}}\n'
          : `"u1"\n${JSON.stringify({ user_id: 'u2', ...(field && EXPIRES) })}\n`,
      ),
      'text/csv': text(
        field === null
          ? 'CSV as in RFC 4180, with a header row. The column `user_id` is read.'
          : `CSV as in RFC 4180, with a header row. The columns \`user_id\` and, if present, \`${field}\` are read.`,
        {
          weight: 'user_id,weight\nu1,2.5\n',
          expires_at: `user_id,expires_at\nu1,\nu2,${EXPIRES.expires_at}\n`,
          none: 'user_id,name\nu1,Ann\n',
        }[field ?? 'none'],
      ),
      'application/json': { schema: ids },
    },
  };
}
