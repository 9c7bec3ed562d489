/**
 * Response schemas of audiences. Frequently called routes write their JSON as text, so their schemas are used only in
 * the OpenAPI document.
 */
import { z } from 'zod';
import { CHANGE_CAUSES, type Change, VERSION_CAUSES } from '../../domain/changes.ts';
import type { Changes } from '../../domain/pages.ts';
import type { Audience } from '../../domain/types.ts';
import { audienceCuts } from '../campaigns/cuts.ts';
import { answerOf, nextCursor, pageOf } from '../plugins/json/answer.ts';
import { count, time } from '../plugins/json/fields.ts';
import { changedParts } from './changed-parts.ts';

const rank = z.int().min(1).describe('Rank of the user, starting at 1 for the best.');
const score = z.number().describe('Score of the user, which is comparable only with scores from the same expansion.');
const percentile = z
  .number()
  .gt(0)
  .max(100)
  .describe('Percentage of the candidates who are ranked at or below this user; 100 for the best user.');
const version = z.int().min(1).describe('Number of the audience version.');
const size = count.describe('Number of users in the requested audience, including users who are held out.');
const candidates = count.describe('Number of users in the ranking, which is the maximum size of an audience.');

export const audiencePage = z
  .object({
    items: z.array(z.object({ rank, user_id: z.string(), score, percentile })).readonly(),
    next_cursor: nextCursor,
    size,
    candidates,
    version: version.describe('The audience version to which the cursor belongs.'),
  })
  .meta({
    id: 'AudiencePage',
    description: 'A page of the members, best first.',
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

export const audienceVersion = answerOf<Audience>()(
  {
    id: 'AudienceVersion',
    examples: [
      {
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        version: 2,
        active: true,
        size: 1000,
        cuts: [{ name: 'second', from_size: 502, to_size: 1003, size: 501 }],
        holdout_percent: 0,
        candidates: 50_000,
        population_size: 50_120,
        population_version: 'ba9876543210',
        expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        cause: 'resize',
        changed: ['size'],
        created_at: '2026-11-25T12:00:00.000Z',
      },
    ],
  },
  {
    campaign_id: z.string(),
    version,
    active: z.boolean().describe('Whether this audience version is active, which means that it is served.'),
    size: count.describe('Number of users in the audience, including users who are held out.'),
    holdout_percent: z.number().describe('Percentage of the audience that is held out; 0 for none.'),
    cuts: audienceCuts.describe('The named cuts of this version.'),
    candidates,
    population_size: count.describe('Number of users in the population version. Percentages refer to this number.'),
    population_version: z.string(),
    expansion_id: z
      .string()
      .describe('The expansion that ranked the users. Versions from the same expansion are cuts of the same ranking.'),
    cause: z
      .enum(VERSION_CAUSES)
      .describe(
        'The cause of the expansion that created the version, or `resize` if a caller changed the size, hold-out or ' +
          'cuts of the version before.',
      ),
    changed: changedParts.nullable(),
    created_at: time,
  },
  { active: ({ isActive }) => isActive, holdout_percent: ({ holdout }) => holdout?.percent ?? 0 },
);

export const audienceVersionPage = pageOf('AudienceVersionPage', audienceVersion);

export const membership = z
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

export const membershipBatch = z
  .object({
    version: version.describe('The active audience version, to which all items refer.'),
    items: z
      .array(
        z.discriminatedUnion('member', [
          z.object({ user_id: z.string(), member: z.literal(true), known: z.literal(true), rank, score, percentile }),
          z.object({
            user_id: z.string(),
            member: z.literal(false),
            known: z.boolean().describe('Whether the user is in the population.'),
            code: z
              .literal('user_not_found')
              .optional()
              .describe(
                'Error code that a look-up of this user alone would return. Only for users who are not in the ' +
                  'population.',
              ),
          }),
        ]),
      )
      .describe('One item per user id, in the same order. A repeated id gets one item per occurrence.'),
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

export const userAudiences = z
  .object({
    items: z.array(
      z.object({
        campaign_id: z.string(),
        version,
        rank,
        score,
        percentile,
        cuts: z.array(z.string()).describe('Names of the cuts of the version that contain the user.'),
      }),
    ),
    next_cursor: nextCursor,
  })
  .meta({
    id: 'UserAudiences',
    description: 'A page of audiences, sorted by campaign id.',
    examples: [
      {
        items: [
          {
            campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
            version: 2,
            rank: 17,
            score: 0.81,
            percentile: 99.97,
            cuts: ['first'],
          },
        ],
        next_cursor: null,
      },
    ],
  });

export const audienceDiff = z
  .object({
    from: version.describe('The first of the two compared versions.'),
    to: version.describe('The second of the two compared versions.'),
    added: count.describe('Number of members of `to` who are not in `from`.'),
    removed: count.describe('Number of members of `from` who are not in `to`.'),
    kept: count.describe('Number of members of both versions.'),
  })
  .meta({ id: 'AudienceDiff', examples: [{ from: 1, to: 2, added: 120, removed: 20, kept: 980 }] });

const change = answerOf<Change>()(
  {},
  {
    campaign_id: z.string(),
    kind: z
      .enum(['activated', 'deleted'])
      .describe('Whether another version became active, or the campaign was deleted.'),
    cause: z
      .enum(CHANGE_CAUSES)
      .describe(
        'Why: the cause of the expansion that created the version; `resize` if a caller changed the size, hold-out ' +
          'or cuts; `rollback` if a caller activated a retained version; `deletion` if a caller deleted the campaign.',
      ),
    changed: changedParts.nullable(),
    version: count.nullable().describe('The audience version that became active; `null` if the campaign was deleted.'),
    previous_version: count.nullable().describe('The version that was active before; `null` if there was none.'),
    size: count
      .nullable()
      .describe('Number of users in the audience, including users who are held out; `null` if there is none.'),
    cuts: audienceCuts.nullable().describe('The named cuts of the version; `null` if the campaign was deleted.'),
    diff: z
      .string()
      .nullable()
      .describe(
        'URL of the difference from the previous version; `null` if there is none. After one of the two versions has been removed, the ' +
          'URL returns 404 `audience_not_found`.',
      ),
    changed_at: time,
  },
  {
    kind: ({ cause }) => (cause === 'deletion' ? 'deleted' : 'activated'),
    diff: ({ campaignId, version: to, previousVersion: from }) =>
      to === null || from === null ? null : `/v1/campaigns/${campaignId}/audiences/${from}/diff/${to}`,
  },
);

export const changes = answerOf<Changes>()(
  {
    id: 'Changes',
    description: 'A page of items, oldest first.',
    examples: [
      {
        items: [
          {
            campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
            kind: 'activated',
            cause: 'change',
            changed: ['seeds', 'suppression'],
            version: 2,
            previous_version: 1,
            size: 1000,
            cuts: [{ name: 'second', from_size: 502, to_size: 1003, size: 501 }],
            diff: '/v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11/audiences/1/diff/2',
            changed_at: '2026-11-25T12:00:00.000Z',
          },
        ],
        next_cursor: 'eDE6MTI',
        has_more: false,
      },
    ],
  },
  {
    items: z.array(change).readonly(),
    next_cursor: z
      .string()
      .describe('Cursor to send as `since` in the next call, even if there are no further changes yet.'),
    has_more: z.boolean().describe('Whether there are more changes after this page.'),
  },
);
