/** Routes that check whether one user or many users are in an audience, and that list the audiences of a user. */
import { usersOf } from '../../domain/audiences.ts';
import type { Audience } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { grouped } from '../../lib/text/counted.ts';
import type { Membership, ReadRanking } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { quoteJson, sendJson } from '../plugins/json/json-writing.ts';
import { campaignParams, memberParams, userParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { findUser, findUsers } from '../user-sets/find-user.ts';
import { identifyBy, identifyInUrl, userIdOf } from '../user-sets/identifiers.ts';
import { membership, membershipBatch, userAudiences } from './audience.ts';
import { identifiersQuery, memberBatchBody, memberQuery, userAudiencesQuery } from './queries.ts';
import { createUserAudiences, positionText } from './user-audiences.ts';
import { activeNow, openFound } from './view.ts';

export function addMemberRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  getMembership(app, dependencies);
  batchGetMemberships(app, dependencies);
  listUserAudiences(app, dependencies);
}

/**
 * Returns the result of `use`, which reads the active audience like the work of `rankings.use`. It must not keep the
 * ranking, which may be closed afterwards.
 */
export async function withActive<T>(
  { store, rankings }: ServerDependencies,
  id: string,
  users: number,
  use: (audience: Audience, ranking: ReadRanking) => T,
): Promise<T> {
  const found = { audience: await store.activeAudience(id) };
  const again = async () => ({ audience: await activeNow(store, id) });
  return openFound(found, again, ({ audience }) =>
    rankings.use(audience.folder, (ranking) => use(audience, ranking), { audience, users }),
  );
}

/** @throws AppError user_not_found */
function numberOf(population: ServerDependencies['population'], userId: string): number {
  const number = findUser(population, userId);
  if (number >= 0) return number;
  throw new AppError('user_not_found', 'the user is not in the population', {
    facts: { member: false, known: false },
  });
}

/** Membership fields of a user who is not in the population. */
const UNKNOWN = '"member":false,"known":false,"code":"user_not_found"';

/** Membership fields of a user who is in the population. */
function membershipText(found: Membership | null): string {
  return found === null ? '"member":false,"known":true' : `"member":true,"known":true,${positionText(found)}`;
}

function getMembership(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, population, reads } = dependencies;
  app.get(
    '/v1/campaigns/:id/audience/members/:user_id',
    describeRoute({
      config: { quiet: true, class: 'lookup' },
      operationId: 'getMembership',
      scope: 'read',
      tags: ['audience'],
      summary: 'Check whether a user is in the audience',
      description:
        'Seeds and held-out users are never members. With `cut`, the look-up refers to the cut of that name. For a ' +
        'user who is not in the population, the response is 404 `user_not_found`, with `member` and `known` set to ' +
        'false. With `identifier`, `rule` and `hashed=true`, the user is looked up by the hash of an identifier.',
      params: memberParams(config),
      querystring: memberQuery(config),
      response: { 200: json('Whether the user is a member of the audience.', membership, ['X-Stale-Seconds']) },
      errors: ['campaign_not_found', 'user_not_found', 'audience_not_ready', 'cut_not_found'],
    }),
    async (request, reply) => {
      const { id, user_id: sent } = request.params;
      const userId = userIdOf(sent, identifyInUrl(request.query), 'user_id');
      const found = await withActive(dependencies, id, 1, (audience, ranking) =>
        reads.membershipOf(ranking, usersOf(audience, request.query.cut), numberOf(population, userId)),
      );
      sendJson(reply, `{${membershipText(found)}}`);
    },
  );
}

function batchGetMemberships(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, population, reads } = dependencies;
  app.post(
    '/v1/campaigns/:id/audience/members/batch',
    describeRoute({
      config: { quiet: true, class: 'lookup' },
      operationId: 'batchGetMemberships',
      scope: 'read',
      tags: ['audience'],
      summary: 'Check whether users are in the audience',
      description:
        `Up to ${grouped(config.maximumBatchMembers)} user ids. All items refer to the same audience version ` +
        'and are in the order of the ids. If a user is not in the population, the batch does not fail: the ' +
        "user's item has `known` set to false and the code `user_not_found`. With `identifier` and `rule`, " +
        '`user_ids` are plain or hashed identifiers, which are shown as `<type>:<rule>:<hash>` in the items.',
      params: campaignParams,
      querystring: identifiersQuery,
      body: memberBatchBody(config),
      response: { 200: json('One item for each user id.', membershipBatch, ['X-Stale-Seconds']) },
      errors: ['campaign_not_found', 'audience_not_ready', 'cut_not_found'],
    }),
    async (request, reply) => {
      const { user_ids: sent, cut } = request.body;
      const identify = identifyBy(request.query);
      const userIds = identify === null ? sent : sent.map((value, i) => userIdOf(value, identify, `/user_ids/${i}`));
      const text = await withActive(dependencies, request.params.id, userIds.length, (audience, ranking) => {
        let items = '';
        const users = usersOf(audience, cut);
        const numbers = findUsers(population, userIds);
        for (const [i, number] of numbers.entries()) {
          const found = number < 0 ? UNKNOWN : membershipText(reads.membershipOf(ranking, users, number));
          items += `${items === '' ? '' : ','}{"user_id":${quoteJson(userIds[i]!)},${found}}`;
        }
        return `{"version":${audience.version},"items":[${items}]}`;
      });
      sendJson(reply, text);
    },
  );
}

function listUserAudiences(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  const find = createUserAudiences(dependencies);
  app.get(
    '/v1/users/:user_id/audiences',
    describeRoute({
      config: { quiet: true, class: 'lookup' },
      operationId: 'listUserAudiences',
      scope: 'read',
      tags: ['audience'],
      summary: 'List the audiences that contain a user',
      description:
        'Lists every campaign whose active audience contains the user, sorted by campaign id, with the named cuts that ' +
        'contain the user. A campaign is not listed if only a cut beyond the end of its audience contains the user: ' +
        'look-ups with `cut` find such users. If the user is not in the population, the response is 404. If the ' +
        'user is in no audience, the list is empty. With `identifier`, `rule` and `hashed=true`, the user is looked up ' +
        'by the hash of an identifier.',
      params: userParams(config),
      querystring: userAudiencesQuery(config),
      response: { 200: json('A page of the list.', userAudiences, ['X-Stale-Seconds']) },
      errors: ['invalid_cursor', 'user_not_found'],
    }),
    async (request, reply) => {
      const userId = userIdOf(request.params.user_id, identifyInUrl(request.query), 'user_id');
      const number = numberOf(dependencies.population, userId);
      sendJson(reply, await find(number, request.query));
    },
  );
}
