/** Routes of campaigns: create, list, get. */
import type { ServerDependencies } from '../config.ts';
import type { ServerApp } from '../fastify-types.ts';
import { countFeatures } from '../features.ts';
import { findUser } from '../find-user.ts';
import { presentCampaign } from '../present.ts';
import {
  campaignBody,
  campaignPageSchema,
  campaignParams,
  campaignQuery,
  campaignSchema,
  problemResponses,
} from '../schemas.ts';
import { refuseTooManySeeds } from '../seed-limit.ts';

export function addCampaignRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  app.post(
    '/v1/campaigns',
    {
      schema: {
        operationId: 'createCampaign',
        tags: ['campaigns'],
        summary: 'Create a campaign',
        description:
          'Takes the seeds, queues the expansion and answers at once; the campaign tells how far it is. ' +
          'Too few known seeds are no error: the state is `too_small`, with the numbers. ' +
          'An `external_id` that another campaign has is refused, and the answer names that campaign (`campaign_id`).',
        body: campaignBody(config),
        response: {
          202: {
            description: 'Accepted; `Location` is the campaign.',
            content: { 'application/json': { schema: campaignSchema } },
          },
          ...problemResponses(
            'invalid_request',
            'unknown_feature',
            'unauthorized',
            'request_timeout',
            'body_too_large',
            'external_id_taken',
            'too_many_seeds',
            'unsupported_media_type',
            'unavailable',
            'storage_failed',
          ),
        },
      },
      preValidation: async (request) => refuseTooManySeeds(request.body, config.maximumInlineSeeds),
    },
    async (request, reply) => {
      const { external_id: externalId, name, features, seeds, audience } = request.body;
      const featureCounts = countFeatures(dependencies.campaignFeatures, features);
      const { store, population } = dependencies;
      const wanted = audience.size === undefined ? { percent: audience.percent ?? 0 } : { size: audience.size };
      const campaign = store.create(
        { externalId, name, features, featureCounts, seeds, audience: wanted },
        (id) => findUser(population, id) >= 0,
      );
      if (campaign.state === 'queued') dependencies.wake();
      return reply.code(202).header('location', `/v1/campaigns/${campaign.id}`).send(presentCampaign(campaign));
    },
  );

  app.get(
    '/v1/campaigns',
    {
      schema: {
        operationId: 'listCampaigns',
        tags: ['campaigns'],
        summary: 'List campaigns, newest first',
        querystring: campaignQuery(config),
        response: {
          200: { description: 'A page.', content: { 'application/json': { schema: campaignPageSchema } } },
          ...problemResponses('invalid_request', 'invalid_cursor', 'unauthorized', 'unavailable', 'storage_failed'),
        },
      },
    },
    async (request) => {
      const { external_id: externalId, ...query } = request.query;
      const page = dependencies.store.list({ ...query, externalId });
      return { items: page.items.map(presentCampaign), next_cursor: page.nextCursor };
    },
  );

  app.get(
    '/v1/campaigns/:id',
    {
      schema: {
        operationId: 'getCampaign',
        tags: ['campaigns'],
        summary: 'Get a campaign: state, progress, versions, timings',
        params: campaignParams,
        response: {
          200: { description: 'The campaign.', content: { 'application/json': { schema: campaignSchema } } },
          ...problemResponses('unauthorized', 'campaign_not_found', 'unavailable', 'storage_failed'),
        },
      },
    },
    async (request) => presentCampaign(dependencies.store.get(request.params.id)),
  );
}
