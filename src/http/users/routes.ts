/** The routes that erase users. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { identifiersQuery } from '../audiences/queries.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { component } from '../openapi/component.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { userId } from '../plugins/json/fields.ts';
import { userParams } from '../plugins/params.ts';
import { describeRoute } from '../plugins/route.ts';
import { identifyBy, identifyInUrl, userIdOf } from '../user-sets/identifiers.ts';

export function addUserRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  eraseUser(app, dependencies);
  eraseUserInBody(app, dependencies);
}

const ERASED = {
  204: { description: 'The user was erased, including on disk.', headers: ['X-Kept-Versions'] },
} as const;

function eraseUser(app: ServerApp, dependencies: ServerDependencies): void {
  app.delete(
    '/v1/users/:user_id',
    describeRoute({
      operationId: 'eraseUser',
      scope: 'admin',
      tags: ['users'],
      summary: 'Erase a user',
      description:
        'After the response, the user is unknown to every look-up and appears in no page, export or difference of ' +
        'any audience version. Other users keep their ranks, and sizes stay the same. The user is removed from all ' +
        'seeds, suppression lists and feedback, will be in no future audience, and is left out of imports. If rules ' +
        'of the object storage keep versions of deleted files, their number is in a header, and in an audit log ' +
        'entry with the resource `kept_versions`. Otherwise, the response is the same for an id that was never in ' +
        'the population, and for a repeated request. After an error, repeat the request. An interrupted erasure is ' +
        'completed when the service starts again. Data that is sent later about the id is kept, as for any unknown ' +
        'user. With `identifier`, `rule` and `hashed=true`, the id is the hash of an identifier.',
      params: userParams(dependencies.config),
      querystring: identifiersQuery,
      response: ERASED,
    }),
    async (request, reply) => {
      const id = userIdOf(request.params.user_id, identifyInUrl(request.query), 'user_id');
      return erase(dependencies, id, request, reply);
    },
  );
}

function eraseUserInBody(app: ServerApp, dependencies: ServerDependencies): void {
  const body = z
    .strictObject({ user_id: userId(dependencies.config.maximumUserIdBytes) })
    .meta({ ...component('UserErase'), examples: [{ user_id: 'ann@example.com' }] });
  app.post(
    '/v1/users/erase',
    describeRoute({
      operationId: 'eraseUserByIdentifier',
      scope: 'admin',
      tags: ['users'],
      summary: 'Erase a user whose id or identifier is in the body',
      description:
        'Like `DELETE /v1/users/{user_id}`. With `identifier` and `rule`, `user_id` is a plain or hashed identifier, ' +
        'and its user is erased with all other identifiers. Plain identifiers are hashed before anything else.',
      querystring: identifiersQuery,
      body,
      response: ERASED,
    }),
    async (request, reply) => {
      const id = userIdOf(request.body.user_id, identifyBy(request.query), '/user_id');
      return erase(dependencies, id, request, reply);
    },
  );
}

async function erase(
  { eraser }: ServerDependencies,
  id: string,
  { pendingAction }: Pick<FastifyRequest, 'pendingAction'>,
  reply: FastifyReply,
): Promise<null> {
  const kept = await eraser.erase(id, pendingAction);
  if (kept !== 0) reply.header('x-kept-versions', kept);
  reply.code(204);
  return null;
}
