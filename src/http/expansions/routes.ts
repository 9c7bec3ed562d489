/** Routes of expansions: create, list, get, cancel. */
import { campaignParams } from '../campaigns/params.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { presentExpansion } from './present.ts';
import { expansionPageSchema, expansionParams, expansionSchema, listQuery } from './schemas.ts';

/** What these routes call. */
export type ExpansionNeeds = Pick<ServerDependencies, 'config' | 'wake'> & {
  readonly store: Pick<ServerDependencies['store'], 'answerOf' | 'cancel' | 'expand' | 'expansion' | 'expansionsOf'>;
};

export function addExpansionRoutes(app: ServerApp, dependencies: ExpansionNeeds): void {
  createExpansion(app, dependencies);
  listExpansions(app, dependencies);
  getExpansion(app, dependencies);
  cancelExpansion(app, dependencies);
}

function createExpansion(app: ServerApp, dependencies: ExpansionNeeds): void {
  const { store } = dependencies;
  const once = createOnce(store);
  app.post(
    '/v1/campaigns/:id/expansions',
    {
      schema: describeRoute({
        operationId: 'createExpansion',
        scope: 'write',
        tags: ['expansions'],
        summary: 'Expand a campaign again',
        description:
          'Uses the current inputs: features, filters, seeds, suppression lists and feedback. The active ' +
          'audience is served until the new one is ready, and stays active if the expansion fails. An ' +
          'earlier expansion that has not ended is `superseded`. With an `Idempotency-Key`, repeating the request ' +
          'queues nothing new.',
        params: campaignParams,
        headers: idempotencyHeaders,
        response: {
          202: json(
            'Accepted; `Location` is the address of the expansion. Too few known seeds are not an error: it ' +
              'ends as `too_small`.',
            expansionSchema,
            ['Location', 'Idempotent-Replayed'],
          ),
        },
        errors: ['campaign_not_found', 'no_seeds', 'idempotency_key_reused'],
      }),
    },
    async (request, reply) => {
      const expansion = await once(request, reply, {
        make: (idempotent) => store.expand(request.params.id, idempotent),
        present: presentExpansion,
      });
      if (expansion.state === 'queued') dependencies.wake();
      const location = `/v1/campaigns/${expansion.campaign_id}/expansions/${expansion.id}`;
      return reply.code(202).header('location', location).send(expansion);
    },
  );
}

function listExpansions(app: ServerApp, { config, store }: ExpansionNeeds): void {
  app.get(
    '/v1/campaigns/:id/expansions',
    {
      schema: describeRoute({
        operationId: 'listExpansions',
        scope: 'read',
        tags: ['expansions'],
        summary: 'List the expansions of a campaign, newest first',
        params: campaignParams,
        querystring: listQuery(config),
        response: {
          200: json('A page.', expansionPageSchema),
        },
        errors: ['invalid_cursor', 'campaign_not_found'],
      }),
    },
    async (request) => {
      const { items, nextCursor } = store.expansionsOf(request.params.id, request.query);
      return { items: items.map(presentExpansion), next_cursor: nextCursor };
    },
  );
}

function getExpansion(app: ServerApp, { store }: ExpansionNeeds): void {
  app.get(
    '/v1/campaigns/:id/expansions/:expansion_id',
    {
      schema: describeRoute({
        operationId: 'getExpansion',
        scope: 'read',
        tags: ['expansions'],
        summary: 'Get an expansion: stage, progress, time left, counts',
        params: expansionParams,
        response: {
          200: json('The expansion.', expansionSchema),
        },
        errors: ['campaign_not_found', 'expansion_not_found'],
      }),
    },
    async ({ params }) => presentExpansion(store.expansion(params.id, params.expansion_id)),
  );
}

function cancelExpansion(app: ServerApp, { store }: ExpansionNeeds): void {
  app.post(
    '/v1/campaigns/:id/expansions/:expansion_id/cancel',
    {
      schema: describeRoute({
        operationId: 'cancelExpansion',
        scope: 'write',
        tags: ['expansions'],
        summary: 'Cancel an expansion',
        description:
          'The expansion is `cancelled` when this returns, and leaves nothing behind; the active audience ' +
          'stays. Cancelling again changes nothing.',
        params: expansionParams,
        response: {
          200: json('The expansion, cancelled.', expansionSchema),
        },
        errors: ['campaign_not_found', 'expansion_not_found', 'expansion_ended'],
      }),
    },
    async ({ params }) => presentExpansion(store.cancel(params.id, params.expansion_id)),
  );
}
