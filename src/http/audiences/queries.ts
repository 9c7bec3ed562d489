/** Path parameters, queries and bodies of audience routes. */
import { z } from 'zod';
import { grouped } from '../../lib/text/counted.ts';
import { cutName } from '../campaigns/cuts.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { listField } from '../plugins/json/bounded-fields.ts';
import { share, wrongId } from '../plugins/json/fields.ts';
import { decimalNumber, pageLimit, versionNumber, wholeNumber } from '../plugins/json/query-numbers.ts';
import { addIssue, withQuickCheck } from '../plugins/json/validation.ts';
import { pageCursor } from '../plugins/paging.ts';
import { campaignParams, isUserId } from '../plugins/params.ts';
import { identifierQuery, shownIdentifierQuery } from '../user-sets/identifiers.ts';
import { GATHERED } from './sent-ids.ts';

export const versionParams = z.strictObject({ id: campaignParams.shape.id, version: versionNumber() });

export const diffParams = z.strictObject({
  id: campaignParams.shape.id,
  from: versionNumber(),
  to: versionNumber(),
});

/** The requested cut. At most one of its fields may be set; if none is set, the audience's own size applies. */
export interface CutQuery {
  readonly size?: number | undefined;
  readonly percent?: number | undefined;
  readonly min_score?: number | undefined;
  readonly cut?: string | undefined;
}

/** Fields for the requested cut, and for the rank after which to start if there is no cursor. */
export interface ViewQuery extends CutQuery {
  readonly after_rank?: number | undefined;
}

/** A user id may be any text, including a formula that a spreadsheet would execute when it opens the CSV file. */
const csvSafe = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true')
  .describe(
    'Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`, `@`, a tab ' +
      'or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.',
  )
  .meta(component('CsvSafe'));

/** The name of the cut to read instead of the audience. */
function namedCut(config: ServerConfig) {
  return cutName(config)
    .optional()
    .describe('Name of a cut of the version, to read instead of the audience.')
    .meta(component('NamedCut'));
}

/** Without `limit`, a JSON response contains a page of the default size, and a stream contains all users. */
export function audienceQuery(config: ServerConfig) {
  return z
    .strictObject({
      limit: wholeNumber(1, config.maximumPageSize)
        .optional()
        .describe(
          `Maximum number of users in the page. The default is ${grouped(config.defaultPageSize)} for JSON; ` +
            'other formats return all users by default.',
        )
        .meta(component('AudienceLimit')),
      cursor: z
        .string()
        .optional()
        .describe(
          '`next_cursor` of the previous page. Later pages keep the audience version and the audience size of the ' +
            'first page.',
        )
        .meta(component('AudienceCursor')),
      after_rank: wholeNumber(0)
        .optional()
        .describe(
          'Rank after which the page begins. Cannot be combined with `cursor`, which already contains a ' + 'position.',
        )
        .meta(component('AfterRank')),
      size: wholeNumber(1)
        .optional()
        .describe(
          "Number of users to return, best first, instead of the audience's own size; at most the number of " +
            'candidates.',
        )
        .meta(component('CutSize')),
      percent: decimalNumber({ exclusiveMinimum: 0, maximum: 100 })
        .pipe(share)
        .optional()
        .describe('Number of users to return, best first, as a percentage of the population, rounded up.')
        .meta(component('CutPercent')),
      min_score: decimalNumber()
        .optional()
        .describe('Minimum score of the users to return. The result may be empty.')
        .meta(component('CutMinScore')),
      cut: namedCut(config),
      ...shownIdentifierQuery,
      csv_safe: csvSafe,
    })
    .superRefine(({ size, percent, min_score, cut: name, after_rank, cursor }, context) => {
      if (after_rank !== undefined && cursor !== undefined)
        addIssue(context, ['after_rank'], { message: 'only one of cursor and after_rank may be given' });
      if ([size, percent, min_score, name].filter((cut) => cut !== undefined).length <= 1) return;
      if (name !== undefined)
        return addIssue(context, ['cut'], { message: 'only one of cut, size, percent and min_score may be given' });
      addIssue(context, [percent === undefined || size === undefined ? 'min_score' : 'percent'], {
        message: 'only one of size, percent and min_score may be given',
      });
    });
}

export const activateBody = z
  .strictObject({ version: z.int().min(1).describe('An existing audience version.') })
  .meta({ ...component('AudienceActivate'), examples: [{ version: 1 }] });

export function changesQuery(config: ServerConfig) {
  return z.strictObject({
    since: z
      .string()
      .optional()
      .describe('`next_cursor` of the previous call. Without this parameter, the list starts at the first change.'),
    limit: pageLimit(config.maximumPageSize, config.defaultPageSize),
  });
}

export function diffQuery(config: ServerConfig) {
  return z.strictObject({ cut: namedCut(config), csv_safe: csvSafe });
}

export const overlapParams = z.strictObject({
  id: campaignParams.shape.id,
  other_id: campaignParams.shape.id.meta({ ...component('OtherCampaignId'), description: 'Id of another campaign.' }),
});

/** The audiences of both campaigns in a comparison. */
export function overlapQuery(config: ServerConfig) {
  const version = versionNumber().optional();
  return z.strictObject({
    version: version.describe('A version of the first audience; by default the active version.'),
    cut: namedCut(config),
    other_version: version.describe('A version of the other audience; by default the active version.'),
    other_cut: cutName(config).optional().describe('Name of a cut of the other version.'),
  });
}

/** The query parameters of look-ups. */
export function memberQuery(config: ServerConfig) {
  return z.strictObject({ cut: namedCut(config), ...identifierQuery });
}

export function versionsQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumVersionPageSize, config.defaultVersionPageSize),
    cursor: pageCursor,
  });
}

/** The query parameters of batch look-ups, and of erasures with the id in the body. */
export const identifiersQuery = z.strictObject(identifierQuery);

export function userAudiencesQuery(config: ServerConfig) {
  return z.strictObject({
    ...identifierQuery,
    limit: pageLimit(config.maximumUserAudiencePageSize, config.defaultUserAudiencePageSize),
    cursor: pageCursor,
  });
}

/** The request body for a batch of membership look-ups. */
export function memberBatchBody(config: ServerConfig) {
  const { maximumBatchMembers, maximumUserIdBytes, maximumErrorDetails } = config;
  const wrong = (id: unknown) => wrongId('a user id', id, maximumUserIdBytes);
  const body = z
    .strictObject({
      user_ids: listField('user ids', wrong, maximumBatchMembers, maximumErrorDetails).meta({
        description: 'User ids to look up, which may contain repetitions.',
        type: 'array',
        minItems: 1,
        maxItems: maximumBatchMembers,
        items: { type: 'string', minLength: 1, maxLength: maximumUserIdBytes },
      }),
      cut: namedCut(config),
    })
    .meta({ ...component('MembershipBatchGet'), examples: [{ user_ids: ['u4711', 'u4712', 'nobody'] }] });
  const isId = isUserId(config);
  return withQuickCheck(body, (input) => {
    if (typeof input === 'object' && input !== null && GATHERED in input) return true;
    const { user_ids: ids, ...others } = (input ?? {}) as Readonly<Record<string, unknown>>;
    if (!Array.isArray(ids) || ids.length < 1 || ids.length > maximumBatchMembers) return false;
    return Object.keys(others).length === 0 && ids.every(isId);
  });
}
