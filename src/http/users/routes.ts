/** The route that erases a user. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { userParams } from '../plugins/params.ts';
import { describeRoute } from '../plugins/route.ts';

export function addUserRoutes(app: ServerApp, { config, eraser }: ServerDependencies): void {
  app.delete(
    '/v1/users/:user_id',
    describeRoute({
      operationId: 'eraseUser',
      scope: 'admin',
      tags: ['users'],
      summary: 'Erase a user',
      description:
        'After the response, the user is unknown to every look-up and appears in no page, export or ' +
        'difference of any audience version. Other users keep their ranks, and sizes stay the same. The user ' +
        'is removed from all seeds, suppression lists and feedback, will be in no future audience, and is ' +
        'left out of imports. What rules of the object storage keep of deleted files is counted in a header, and ' +
        'in an entry of the audit log with the resource `kept_versions`. Otherwise, the response is the same for ' +
        'an id that was never in the population, and for a repeated request. After an error, repeat the request. ' +
        'An interrupted erasure is completed when the service starts again. Data that is sent later about the id ' +
        'is kept, as for any unknown user.',
      params: userParams(config),
      response: { 204: { description: 'The user was erased, including on disk.', headers: ['X-Kept-Versions'] } },
    }),
    async (request, reply) => {
      const kept = await eraser.erase(request.params.user_id, request.pendingAction);
      if (kept !== 0) reply.header('x-kept-versions', kept);
      return reply.code(204).send(null);
    },
  );
}
