/** The route that counts the users in both of two audiences, and its response schema. */
import { z } from 'zod';
import { usersOf } from '../../domain/audiences.ts';
import { type Bounds, exactOverlap, type Overlap, overlapRanges, wholeSteps } from '../../domain/overlap.ts';
import type { Audience } from '../../domain/types.ts';
import { grouped } from '../../lib/text/counted.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { overlapParams, overlapQuery } from './queries.ts';
import { countSides, type OpenSide, openBoth } from './sides.ts';
import type { StreamSlots } from './stream/stream-slots.ts';

const bounds = answerOf<Bounds>()(
  { id: 'Bounds', description: 'A value between two bounds, both inclusive. Equal bounds are the exact value.' },
  { min: z.number().describe('Lower bound.'), max: z.number().describe('Upper bound.') },
);

/** A compared audience: a version, or one of its cuts. */
interface Compared {
  readonly side: Pick<OpenSide, 'audience' | 'from' | 'size'>;
  readonly cut: string | undefined;
  readonly users: Bounds;
}

const compared = answerOf<Compared>()(
  { id: 'ComparedAudience' },
  {
    campaign_id: z.string(),
    version: count.describe('Number of the audience version.'),
    cut: z.string().nullable().describe('Name of the cut; `null` for the whole audience.'),
    from_size: count.describe('Rank after which the compared users begin.'),
    to_size: count.describe('Last rank of the compared users.'),
    users: bounds.describe('Number of users compared, without users who are held out.'),
  },
  {
    campaign_id: ({ side }) => side.audience.campaignId,
    version: ({ side }) => side.audience.version,
    cut: ({ cut }) => cut ?? null,
    from_size: ({ side }) => side.from ?? 0,
    to_size: ({ side }) => side.size,
  },
);

interface OverlapReport {
  readonly overlap: Overlap;
  readonly isExact: boolean;
  readonly audience: Compared;
  readonly other: Compared;
}

const exactly = (value: number): Bounds => ({ min: value, max: value });

const overlapReport = answerOf<OverlapReport>()(
  {
    id: 'AudienceOverlap',
    examples: [
      {
        exact: true,
        audience: {
          campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
          ...{ version: 2, cut: null, from_size: 0, to_size: 10_000, users: exactly(9_000) },
        },
        other: {
          campaign_id: 'b1d6c9a2-51c6-4b1e-8d55-0f6f6c9d1f02',
          ...{ version: 1, cut: 'second', from_size: 5_000, to_size: 10_000, users: exactly(5_000) },
        },
        ...{ both: exactly(2_000), either: exactly(12_000), jaccard: exactly(0.1667) },
      },
    ],
  },
  {
    exact: z.boolean().describe('Whether all numbers are exact: false for a key of scope `read`.'),
    audience: compared,
    other: compared,
    both: bounds.describe('Number of users in both audiences.'),
    either: bounds.describe('Number of users in at least one of the audiences.'),
    jaccard: bounds.describe('`both` divided by `either`: 0 if the audiences share no users, 1 if they are equal.'),
  },
  {
    exact: ({ isExact }) => isExact,
    both: ({ overlap }) => overlap.both,
    either: ({ overlap }) => overlap.either,
    jaccard: ({ overlap }) => overlap.jaccard,
  },
);

export function addOverlapRoutes(app: ServerApp, dependencies: ServerDependencies, streams: StreamSlots): void {
  const { config, store, reads } = dependencies;
  const { overlapStepUsers: step } = config;
  app.get(
    '/v1/campaigns/:id/overlap/:other_id',
    describeRoute({
      config: { class: 'computed' },
      operationId: 'getOverlap',
      scope: 'read',
      tags: ['audience'],
      summary: 'Count the users in both of two audiences',
      description:
        'Compares an audience of a campaign with one of another campaign, or of the same: any versions and named cuts. ' +
        'Users who are held out of an audience are not in it. Erased users count until the next expansion. Keys of ' +
        `scope \`read\` get ranges of ${grouped(step)} users that do not depend on any single user: ranks are rounded ` +
        'down to whole ranges before the users are counted, so that cuts that differ by a few users give the same ' +
        'response; if nearly all users of the smaller audience are in both, the range is twice as wide. ' +
        'Other keys get exact numbers.',
      params: overlapParams,
      querystring: overlapQuery(config),
      response: { 200: json('The overlap.', overlapReport) },
      errors: ['campaign_not_found', 'audience_not_found', 'audience_not_ready', 'cut_not_found'],
    }),
    async (request, reply) => {
      const { id, other_id: otherId } = request.params;
      const { version, cut, other_version: otherVersion, other_cut: otherCut } = request.query;
      const isExact = request.caller?.scope !== 'read';
      const comparedOf = (campaign: string, number: number | undefined, name: string | undefined) => ({
        find: async () =>
          number === undefined ? store.activeAudience(campaign) : store.audienceVersion(campaign, number),
        usersOf: (audience: Audience) =>
          isExact ? usersOf(audience, name) : wholeSteps(usersOf(audience, name), step),
      });
      const pair = [comparedOf(id, version, cut), comparedOf(otherId, otherVersion, otherCut)] as const;
      const both = await openBoth(dependencies, pair, streams.take(request));
      const { added, removed, kept } = await countSides(reply, both, (signal) =>
        reads.countDiff(both.from, both.to, signal),
      );
      const counts = { first: kept + removed, second: kept + added, both: kept };
      const overlap = isExact ? exactOverlap(counts) : overlapRanges(counts, step);
      const audience = { side: both.from, cut, users: overlap.first };
      return { overlap, isExact, audience, other: { side: both.to, cut: otherCut, users: overlap.second } };
    },
  );
}
