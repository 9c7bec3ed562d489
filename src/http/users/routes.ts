/** Route of users: erase one. */
import { userParams } from '../audiences/schemas.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute } from '../plugins/route.ts';

/** What these routes call. */
export type UserNeeds = Pick<ServerDependencies, 'config' | 'eraser'>;

export function addUserRoutes(app: ServerApp, { config, eraser }: UserNeeds): void {
  app.delete(
    '/v1/users/:user_id',
    {
      schema: describeRoute({
        operationId: 'eraseUser',
        scope: 'admin',
        tags: ['users'],
        summary: 'Erase a user',
        description:
          'From this response on the user is unknown to every look-up, and in no page, export or difference of any ' +
          'audience version; the others keep their ranks, and sizes stay. The user is taken out of all seeds, ' +
          'suppression lists and feedback, and is in no audience that is made from now on; imports leave the user ' +
          'out. The response is the same for an id that the population never had, and when it is repeated. After an ' +
          'error repeat it: what was begun is also completed at the next start. What is sent about the id later is ' +
          'kept as for any unknown user.',
        params: userParams(config),
        response: {
          204: { description: 'Erased: on disk.' },
        },
      }),
    },
    async (request, reply) => {
      await eraser.erase(request.params.user_id, request.pendingAction);
      return reply.code(204).send(null);
    },
  );
}
