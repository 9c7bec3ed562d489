/** Routes that create, list, get and cancel expansions. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { pageQuery } from '../plugins/paging.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { expansion, expansionPage, expansionParams } from './expansion.ts';

export function addExpansionRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  createExpansion(app, dependencies);
  listExpansions(app, dependencies);
  getExpansion(app, dependencies);
  cancelExpansion(app, dependencies);
}

function createExpansion(app: ServerApp, dependencies: ServerDependencies): void {
  const { store } = dependencies;
  const once = createOnce(store);
  app.post(
    '/v1/campaigns/:id/expansions',
    describeRoute({
      operationId: 'createExpansion',
      scope: 'write',
      tags: ['expansions'],
      summary: 'Expand a campaign again',
      description:
        'The expansion uses the current inputs: features, filters, seeds, suppression lists and feedback. ' +
        'The active audience is served until the new audience is ready, and stays active if the expansion ' +
        'fails. An earlier expansion that has not ended becomes `superseded`. Repeating the request with the ' +
        'same `Idempotency-Key` queues nothing new.',
      params: campaignParams,
      headers: idempotencyHeaders,
      response: {
        202: json(
          'Accepted; `Location` is the URL of the expansion. Having too few known seeds is not an error; the ' +
            'expansion then ends as `too_small`.',
          expansion,
          ['Location', 'Idempotent-Replayed'],
        ),
      },
      errors: ['campaign_not_found', 'no_seeds', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      return once(request, reply, {
        answer: expansion,
        make: (idempotent) => store.expand(request.params.id, idempotent),
        head: (response, { id, campaign_id: campaignId, state }) => {
          if (state === 'queued') dependencies.wake();
          response.code(202).header('location', `/v1/campaigns/${campaignId}/expansions/${id}`);
        },
      });
    },
  );
}

function listExpansions(app: ServerApp, { config, store }: ServerDependencies): void {
  app.get(
    '/v1/campaigns/:id/expansions',
    describeRoute({
      operationId: 'listExpansions',
      scope: 'read',
      tags: ['expansions'],
      summary: 'List the expansions of a campaign, newest first',
      params: campaignParams,
      querystring: pageQuery(config),
      response: { 200: json('A page of the list.', expansionPage) },
      errors: ['invalid_cursor', 'campaign_not_found'],
    }),
    async (request) => store.expansionsOf(request.params.id, request.query),
  );
}

function getExpansion(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/campaigns/:id/expansions/:expansion_id',
    describeRoute({
      operationId: 'getExpansion',
      scope: 'read',
      tags: ['expansions'],
      summary: 'Get an expansion, with its state, progress, remaining time and counts',
      params: expansionParams,
      response: { 200: json('The expansion.', expansion) },
      errors: ['campaign_not_found', 'expansion_not_found'],
    }),
    async ({ params }) => store.expansion(params.id, params.expansion_id),
  );
}

function cancelExpansion(app: ServerApp, { store }: ServerDependencies): void {
  app.post(
    '/v1/campaigns/:id/expansions/:expansion_id/cancel',
    describeRoute({
      operationId: 'cancelExpansion',
      scope: 'write',
      tags: ['expansions'],
      summary: 'Cancel an expansion',
      description:
        'After the response, the expansion is `cancelled` and has no results. The active audience stays as ' +
        'it is. Cancelling an expansion again changes nothing.',
      params: expansionParams,
      response: { 200: json('The cancelled expansion.', expansion) },
      errors: ['campaign_not_found', 'expansion_not_found', 'expansion_ended'],
    }),
    async ({ params }) => store.cancel(params.id, params.expansion_id),
  );
}
