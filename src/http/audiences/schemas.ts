/** The shapes of audiences: pages, versions, membership, differences. */
import { z } from 'zod';
import { campaignParams } from '../campaigns/params.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { listField } from '../plugins/json/bounded-fields.ts';
import { count, share, time, userId, wrongId } from '../plugins/json/fields.ts';
import { decimalNumber, pageLimit, versionNumber, wholeNumber } from '../plugins/json/query-numbers.ts';
import { addIssue, hasTexts, withQuickCheck } from '../plugins/json/validation.ts';
import { pageCursor } from '../plugins/paging.ts';

const rank = z.int().min(1).describe('1 = the best.');
const score = z.number().describe('Comparable within one expansion only.');
const percentile = z
  .number()
  .gt(0)
  .max(100)
  .describe(
    'Percentage of the candidates that rank no better, including this one: 100 = the best. Falls with every ' + 'rank.',
  );
const version = z.int().min(1).describe('Audience version.');
const size = count.describe('Users in the requested audience.');
const candidates = count.describe('Users in the ranking, the largest possible size.');

export const audiencePageSchema = z
  .object({
    items: z.array(z.object({ rank, user_id: z.string(), score, percentile })).readonly(),
    next_cursor: z.string().nullable(),
    size,
    candidates,
    version: version.describe('The audience version that the cursor stays on.'),
  })
  .meta({
    id: 'AudiencePage',
    description: 'Best first.',
    examples: [
      {
        items: [{ rank: 1, user_id: 'u4711', score: 0.93, percentile: 100 }],
        next_cursor: null,
        size: 1,
        candidates: 50_000,
        version: 1,
      },
    ],
  });

export const audienceVersionSchema = z
  .object({
    campaign_id: z.string(),
    version,
    active: z.boolean().describe('Whether it is the one being served.'),
    size: count.describe('Users in the audience.'),
    candidates,
    population_size: count.describe('Users in the population version, which percentages refer to.'),
    population_version: z.string(),
    expansion_id: z.string().describe('Versions of one expansion are cuts of one ranking.'),
    created_at: time,
  })
  .meta({
    id: 'AudienceVersion',
    examples: [
      {
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        version: 2,
        active: true,
        size: 1000,
        candidates: 50_000,
        population_size: 50_120,
        population_version: 'ba9876543210',
        expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        created_at: '2026-11-25T12:00:00.000Z',
      },
    ],
  });

export const audienceVersionPageSchema = z
  .object({
    items: z.array(audienceVersionSchema),
    next_cursor: z.string().nullable(),
  })
  .meta({
    id: 'AudienceVersionPage',
    description: 'Newest first.',
  });

export const memberSchema = z
  .discriminatedUnion('member', [
    z.object({ member: z.literal(true), known: z.literal(true), rank, score, percentile }),
    z.object({ member: z.literal(false), known: z.literal(true) }),
  ])
  .meta({
    id: 'Membership',
    examples: [
      { member: true, known: true, rank: 17, score: 0.81, percentile: 99.97 },
      { member: false, known: true },
    ],
  });

export const memberBatchSchema = z
  .object({
    version: version.describe('The active audience version, to which all items refer.'),
    items: z
      .array(
        z.discriminatedUnion('member', [
          z.object({ user_id: z.string(), member: z.literal(true), known: z.literal(true), rank, score, percentile }),
          z.object({
            user_id: z.string(),
            member: z.literal(false),
            known: z.boolean().describe('Whether the population has the user.'),
            code: z
              .literal('user_not_found')
              .optional()
              .describe('For a user that the population does not have, the code that a single look-up returns.'),
          }),
        ]),
      )
      .describe('One per user id, in the same order; a repeated id has an item each time.'),
  })
  .meta({
    id: 'MembershipBatch',
    examples: [
      {
        version: 1,
        items: [
          { user_id: 'u4711', member: true, known: true, rank: 17, score: 0.81, percentile: 99.97 },
          { user_id: 'u4712', member: false, known: true },
          { user_id: 'nobody', member: false, known: false, code: 'user_not_found' },
        ],
      },
    ],
  });

export const userAudiencesSchema = z
  .object({
    items: z.array(z.object({ campaign_id: z.string(), version, rank, score, percentile })),
    next_cursor: z.string().nullable(),
  })
  .meta({
    id: 'UserAudiences',
    description: 'By campaign id.',
    examples: [
      {
        items: [
          {
            campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
            version: 2,
            rank: 17,
            score: 0.81,
            percentile: 99.97,
          },
        ],
        next_cursor: null,
      },
    ],
  });

export const diffSchema = z
  .object({
    from: version.describe('The first version.'),
    to: version.describe('The second version.'),
    added: count.describe('Members of `to` who are not in `from`.'),
    removed: count.describe('Members of `from` who are not in `to`.'),
    kept: count.describe('Members of both versions.'),
  })
  .meta({ id: 'AudienceDiff', examples: [{ from: 1, to: 2, added: 120, removed: 20, kept: 980 }] });

/** `{id}` and a user id within its limit. */
export function memberParams(config: ServerConfig) {
  const params = z.strictObject({ id: campaignParams.shape.id, user_id: userIdParam(config) });
  const isId = isUserId(config);
  return withQuickCheck(params, (input) => hasTexts(input, ['id', 'user_id'], isId));
}

export function userParams(config: ServerConfig) {
  const isId = isUserId(config);
  return withQuickCheck(z.strictObject({ user_id: userIdParam(config) }), (input) =>
    hasTexts(input, ['user_id'], isId),
  );
}

function userIdParam(config: ServerConfig) {
  return userId(config.maximumUserIdBytes).meta(component('UserId'));
}

export const versionParams = z.strictObject({ id: campaignParams.shape.id, version: versionNumber() });

export const diffParams = z.strictObject({
  id: campaignParams.shape.id,
  from: versionNumber(),
  to: versionNumber(),
});

/** The requested cut: one of them, or none for the audience's own size. */
export interface CutQuery {
  readonly size?: number | undefined;
  readonly percent?: number | undefined;
  readonly min_score?: number | undefined;
}

/** The requested cut, and the rank behind which to start: that of no cursor. */
export interface ViewQuery extends CutQuery {
  readonly after_rank?: number | undefined;
}

/** CSV goes into spreadsheets, and user ids are whatever the population has. */
const csvSafe = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true')
  .describe(
    'For CSV that is opened in a spreadsheet: a user id that begins with `=`, `+`, `-`, `@`, a tab or a line break gets ' +
      'an apostrophe before it. Leave it out for CSV that a program reads.',
  )
  .meta(component('CsvSafe'));

/** Without `limit`, JSON returns the default page and a stream returns everything. */
export function audienceQuery(config: ServerConfig) {
  return z
    .strictObject({
      limit: wholeNumber(1, config.maximumPageSize)
        .optional()
        .describe(`Users in one page; if not given, ${config.defaultPageSize} for JSON, else all.`)
        .meta(component('AudienceLimit')),
      cursor: z
        .string()
        .optional()
        .describe('`next_cursor` of the previous page; it stays on its audience version and its size.')
        .meta(component('AudienceCursor')),
      after_rank: wholeNumber(0)
        .optional()
        .describe('The page begins behind this rank; not with `cursor`, which has a place of its own.')
        .meta(component('AfterRank')),
      size: wholeNumber(1)
        .optional()
        .describe("This many of the best users instead of the audience's own size; capped by the candidates.")
        .meta(component('CutSize')),
      percent: decimalNumber({ exclusiveMinimum: 0, maximum: 100 })
        .pipe(share)
        .optional()
        .describe('The size as a percentage of the population, rounded up, as in a campaign.')
        .meta(component('CutPercent')),
      min_score: decimalNumber()
        .optional()
        .describe('Everyone whose score is at least this; may be nobody.')
        .meta(component('CutMinScore')),
      csv_safe: csvSafe,
    })
    .superRefine(({ size, percent, min_score, after_rank, cursor }, context) => {
      if (after_rank !== undefined && cursor !== undefined)
        addIssue(context, ['after_rank'], { message: 'at most one of cursor and after_rank is expected' });
      if ([size, percent, min_score].filter((cut) => cut !== undefined).length <= 1) return;
      addIssue(context, [percent === undefined || size === undefined ? 'min_score' : 'percent'], {
        message: 'at most one of size, percent and min_score is expected',
      });
    });
}

export const diffQuery = z.strictObject({ csv_safe: csvSafe });

export function versionsQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumVersionPageSize, config.defaultVersionPageSize),
    cursor: pageCursor,
  });
}

export function userAudiencesQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumUserAudiencePageSize, config.defaultUserAudiencePageSize),
    cursor: pageCursor,
  });
}

export function memberBatchBody(config: ServerConfig) {
  const { maximumBatchMembers, maximumUserIdBytes, maximumErrorDetails } = config;
  const wrong = (id: unknown) => wrongId('a user id', id, maximumUserIdBytes);
  const body = z
    .strictObject({
      user_ids: listField('user ids', wrong, maximumBatchMembers, maximumErrorDetails).meta({
        description: 'User ids; they may repeat.',
        type: 'array',
        minItems: 1,
        maxItems: maximumBatchMembers,
        items: { type: 'string', minLength: 1, maxLength: maximumUserIdBytes },
      }),
    })
    .meta({ ...component('MembershipBatchGet'), examples: [{ user_ids: ['u4711', 'u4712', 'nobody'] }] });
  const isId = isUserId(config);
  return withQuickCheck(body, (input) => {
    const { user_ids: ids, ...others } = (input ?? {}) as Readonly<Record<string, unknown>>;
    if (!Array.isArray(ids) || ids.length < 1 || ids.length > maximumBatchMembers) return false;
    return Object.keys(others).length === 0 && ids.every(isId);
  });
}

/** Whether a value is a user id, by a check that is quick where it is: false may also mean unusual. */
function isUserId({ maximumUserIdBytes }: ServerConfig): (id: unknown) => boolean {
  return (id) => wrongId('a user id', id, maximumUserIdBytes) === null;
}
