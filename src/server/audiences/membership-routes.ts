/** Routes of membership: one user, many users, and the audiences that contain a user. */
import { membershipOf } from '../../audience/membership.ts';
import type { Audience } from '../../campaigns/types.ts';
import { AppError } from '../../lib/errors.ts';
import { campaignParams } from '../campaigns/params.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../http/fastify-types.ts';
import { plainJson } from '../http/plain-json.ts';
import { describeRoute, json } from '../http/route.ts';
import { findUser } from '../user-sets/find-user.ts';
import {
  memberBatchBody,
  memberBatchSchema,
  memberParams,
  memberSchema,
  userAudiencesQuery,
  userAudiencesSchema,
  userParams,
} from './schemas.ts';
import { audiencesOfUser } from './user-audiences.ts';
import { activeNow, openFound } from './view.ts';

/** What these routes call. */
export type MembershipNeeds = Pick<ServerDependencies, 'config' | 'population' | 'rankings'> & {
  readonly store: Pick<ServerDependencies['store'], 'activeAudience' | 'activeAudiences' | 'audienceVersion' | 'get'>;
};

export function addMemberRoutes(app: ServerApp, dependencies: MembershipNeeds): void {
  getMembership(app, dependencies);
  batchGetMemberships(app, dependencies);
  listUserAudiences(app, dependencies);
}

/** Opens the active audience; `use` must not keep the ranking after it returns. */
function withActive<T>(
  { store, rankings }: Pick<MembershipNeeds, 'store' | 'rankings'>,
  id: string,
  use: (audience: Audience, ranking: ReturnType<typeof rankings.get>) => T,
): T {
  const found = { audience: store.activeAudience(id) };
  const again = () => ({ audience: activeNow(store, id) });
  return openFound(found, again, ({ audience }) => use(audience, rankings.get(audience.folder)));
}

/** @throws AppError user_not_found */
function numberOf(population: MembershipNeeds['population'], userId: string): number {
  const number = findUser(population, userId);
  if (number >= 0) return number;
  throw new AppError('user_not_found', 'the user is not in the population', {
    facts: { member: false, known: false },
  });
}

function getMembership(app: ServerApp, dependencies: MembershipNeeds): void {
  const { config, population } = dependencies;
  app.get(
    '/v1/campaigns/:id/audience/members/:user_id',
    {
      config: { quiet: true, class: 'lookup' },
      serializerCompiler: plainJson,
      schema: describeRoute({
        operationId: 'getMembership',
        tags: ['audience'],
        summary: 'Check whether a user is in the audience',
        description:
          'A seed is never a member. For a user that the population does not have, the response is 404 ' +
          '`user_not_found`, with `member` and `known` false.',
        params: memberParams(config),
        response: {
          200: json('Member or not.', memberSchema),
        },
        errors: ['campaign_not_found', 'user_not_found', 'audience_not_ready'],
      }),
    },
    async (request) => {
      const { id, user_id: userId } = request.params;
      return withActive(dependencies, id, (audience, ranking) => {
        const found = membershipOf(ranking, audience.size, numberOf(population, userId));
        return found === null
          ? { member: false as const, known: true as const }
          : { member: true as const, known: true as const, ...found };
      });
    },
  );
}

function batchGetMemberships(app: ServerApp, dependencies: MembershipNeeds): void {
  const { config, population } = dependencies;
  app.post(
    '/v1/campaigns/:id/audience/members/batch',
    {
      config: { quiet: true, class: 'lookup' },
      serializerCompiler: plainJson,
      schema: describeRoute({
        operationId: 'batchGetMemberships',
        tags: ['audience'],
        summary: 'Check whether users are in the audience',
        description:
          `Up to ${config.maximumBatchMembers} user ids; all items are for the same version, in the order of ` +
          'the ids. ' +
          'A user that the population does not have is not an error of the batch: its item has `known` false ' +
          'and the code `user_not_found`.',
        params: campaignParams,
        body: memberBatchBody(config),
        response: {
          200: json('One item per user id.', memberBatchSchema),
        },
        errors: ['campaign_not_found', 'audience_not_ready'],
      }),
    },
    async (request) =>
      withActive(dependencies, request.params.id, (audience, ranking) => ({
        version: audience.version,
        items: request.body.user_ids.map((userId) => {
          const number = findUser(population, userId);
          if (number < 0)
            return { user_id: userId, member: false as const, known: false, code: 'user_not_found' as const };
          const found = membershipOf(ranking, audience.size, number);
          return found === null
            ? { user_id: userId, member: false as const, known: true }
            : { user_id: userId, member: true as const, known: true as const, ...found };
        }),
      })),
  );
}

function listUserAudiences(app: ServerApp, dependencies: MembershipNeeds): void {
  const { config } = dependencies;
  app.get(
    '/v1/users/:user_id/audiences',
    {
      config: { quiet: true, class: 'lookup' },
      serializerCompiler: plainJson,
      schema: describeRoute({
        operationId: 'listUserAudiences',
        tags: ['audience'],
        summary: 'List the audiences that contain a user',
        description:
          'Every campaign whose active audience contains the user, by campaign id. For a user that the ' +
          'population does not have, the response is 404; for one in no audience, the list is empty.',
        params: userParams(config),
        querystring: userAudiencesQuery(config),
        response: {
          200: json('A page.', userAudiencesSchema),
        },
        errors: ['invalid_cursor', 'user_not_found'],
      }),
    },
    async (request) =>
      audiencesOfUser(dependencies, numberOf(dependencies.population, request.params.user_id), request.query),
  );
}
