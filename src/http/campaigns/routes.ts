/** Routes of campaigns: create, change, delete, list, get. */
import type { z } from 'zod';
import { refuseUnknownFilters } from '../../domain/filters.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { requireLabels } from '../plugins/access/access.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { idempotencyHeaders, sha256Of } from '../plugins/idempotent.ts';
import { ifMatchHeaders, requireMatch } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { findUser } from '../user-sets/find-user.ts';
import { refuseTooManyIds } from '../user-sets/seed-limit.ts';
import { countFeatures } from './features.ts';
import { toRefreshPolicy } from './inputs.ts';
import { campaignParams } from './params.ts';
import { presentCampaign, tagOfCampaign } from './present.ts';
import { campaignBody, campaignChangeBody, campaignPageSchema, campaignQuery, campaignSchema } from './schemas.ts';

/** What these routes call. */
export type CampaignNeeds = Pick<ServerDependencies, 'config' | 'served' | 'wake'> & {
  readonly store: Pick<ServerDependencies['store'], 'answerOf' | 'create' | 'delete' | 'get' | 'list' | 'update'>;
};

export function addCampaignRoutes(app: ServerApp, dependencies: CampaignNeeds): void {
  createCampaign(app, dependencies);
  updateCampaign(app, dependencies);
  deleteCampaign(app, dependencies);
  listCampaigns(app, dependencies);
  getCampaign(app, dependencies);
}

const CREATION =
  'Stores the seeds, queues the expansion and returns at once; the campaign shows the progress. Too few known seeds ' +
  'are not an error: the state is `too_small`, with the numbers. An `external_id` that another campaign has is ' +
  'refused, and the response names that campaign (`campaign_id`). With an `Idempotency-Key`, repeating the request ' +
  'creates nothing new; the response then has `Idempotent-Replayed: true`.';
const CREATED_HEADERS = ['Location', 'ETag', 'Idempotent-Replayed'] as const;

function createCampaign(app: ServerApp, dependencies: CampaignNeeds): void {
  const { config } = dependencies;
  app.post(
    '/v1/campaigns',
    {
      schema: describeRoute({
        operationId: 'createCampaign',
        scope: 'write',
        labels: 'heeded',
        tags: ['campaigns'],
        summary: 'Create a campaign',
        description: CREATION,
        headers: idempotencyHeaders,
        body: campaignBody(config),
        response: { 202: json('Accepted; `Location` is the campaign.', campaignSchema, CREATED_HEADERS) },
        errors: ['unknown_feature', 'unknown_filter', 'external_id_taken', 'idempotency_key_reused', 'too_many_seeds'],
      }),
      preValidation: async (request) => refuseTooManyIds(request.body, 'seeds', config.maximumInlineSeeds),
    },
    async (request, reply) => {
      const { store } = dependencies;
      const { model, population } = dependencies.served();
      requireLabels(request.caller, request.body.labels ?? {});
      const { features, filters } = request.body;
      const key = request.headers['idempotency-key'];
      const once = key === undefined ? undefined : { key, requestSha256: sha256Of(request.body) };
      const answered = once && store.answerOf(once);
      if (typeof answered === 'string') {
        // one of an earlier version has no estimate of its time
        const campaign: ReturnType<typeof presentCampaign> = { eta_seconds: null, ...JSON.parse(answered) };
        reply.headers({ location: pathOf(campaign), etag: tagOfCampaign(campaign), 'idempotent-replayed': 'true' });
        return reply.code(202).send(campaign);
      }
      const featureCounts = countFeatures(model.campaignFeatures, features);
      refuseUnknownFilters(population, filters);
      const campaign = store.create(
        { ...toNewCampaign(request.body), featureCounts },
        (id) => findUser(population, id) >= 0,
        once && { ...once, answer: (made) => JSON.stringify(presentCampaign(made)) },
      );
      if (campaign.state === 'queued') dependencies.wake();
      const shown = presentCampaign(campaign);
      return reply
        .code(202)
        .headers({ location: pathOf(campaign), etag: tagOfCampaign(shown) })
        .send(shown);
    },
  );
}

function toNewCampaign(body: z.output<ReturnType<typeof campaignBody>>) {
  const { external_id: externalId, name, labels, features, filters, seeds, audience, refresh } = body;
  return {
    ...{ externalId, name, labels, features, filters, seeds: seeds ?? undefined },
    audience: toAudienceRequest(audience),
    refresh: toRefreshPolicy(refresh),
  };
}

function updateCampaign(app: ServerApp, dependencies: CampaignNeeds): void {
  const { config } = dependencies;
  app.patch(
    '/v1/campaigns/:id',
    {
      schema: describeRoute({
        operationId: 'updateCampaign',
        scope: 'write',
        tags: ['campaigns'],
        summary: 'Change a campaign',
        description:
          'Changes the named fields. A new audience size takes effect at once, as another version of the ' +
          'same ranking: nothing runs again. Features and filters are inputs: the next expansion uses them, ' +
          'and `needs_expansion` says that it is due.',
        params: campaignParams,
        headers: ifMatchHeaders,
        body: campaignChangeBody(config),
        response: {
          200: json('The campaign.', campaignSchema, ['ETag']),
        },
        errors: ['unknown_feature', 'unknown_filter', 'campaign_not_found', 'external_id_taken', 'precondition_failed'],
      }),
    },
    async (request, reply) => {
      const { store } = dependencies;
      const { model, population } = dependencies.served();
      const { external_id: externalId, features, audience, refresh, name, labels, filters } = request.body;
      const before = store.get(request.params.id);
      if (labels) requireLabels(request.caller, labels);
      const tag = tagOfCampaign(presentCampaign(before));
      requireMatch(request.headers['if-match'], (etag) => etag === tag);
      if (filters) refuseUnknownFilters(population, filters);
      const campaign = presentCampaign(
        store.update(request.params.id, {
          ...(externalId !== undefined && { externalId }),
          ...(name !== undefined && { name }),
          ...(labels && { labels }),
          ...(filters && { filters }),
          ...(features && { features: { values: features, counts: countFeatures(model.campaignFeatures, features) } }),
          ...(audience && { audience: toAudienceRequest(audience) }),
          ...(refresh && { refresh: toRefreshPolicy(refresh, before.refresh) }),
        }),
      );
      return reply.header('etag', tagOfCampaign(campaign)).send(campaign);
    },
  );
}

function deleteCampaign(app: ServerApp, dependencies: CampaignNeeds): void {
  app.delete(
    '/v1/campaigns/:id',
    {
      schema: describeRoute({
        operationId: 'deleteCampaign',
        scope: 'write',
        tags: ['campaigns'],
        summary: 'Delete a campaign with its seeds, expansions and audiences',
        description: 'Running work on it ends. An audience stream that is already open continues to its end.',
        params: campaignParams,
        headers: ifMatchHeaders,
        response: {
          204: { description: 'Deleted.' },
        },
        errors: ['campaign_not_found', 'precondition_failed'],
      }),
    },
    async (request, reply) => {
      const { id } = request.params;
      const ifMatch = request.headers['if-match'];
      if (ifMatch !== undefined) {
        const tag = tagOfCampaign(presentCampaign(dependencies.store.get(id)));
        requireMatch(ifMatch, (etag) => etag === tag);
      }
      const left = await dependencies.store.delete(id);
      // the campaign is gone; the periodic clean-up removes what is left of it
      if (left !== null)
        request.log.warn({ error: left.message }, 'the feedback of a deleted campaign will be removed later');
      return reply.code(204).send(null);
    },
  );
}

function listCampaigns(app: ServerApp, dependencies: CampaignNeeds): void {
  const { config } = dependencies;
  app.get(
    '/v1/campaigns',
    {
      schema: describeRoute({
        operationId: 'listCampaigns',
        scope: 'read',
        labels: 'heeded',
        tags: ['campaigns'],
        summary: 'List campaigns, newest first',
        querystring: campaignQuery(config),
        response: {
          200: json('A page.', campaignPageSchema),
        },
        errors: ['invalid_cursor'],
      }),
    },
    async (request) => {
      const { external_id: externalId, label, ...query } = request.query;
      const own = request.caller?.labels ?? {};
      const labels = { ...label, ...own };
      // a key sees no more of a label than its own text of it
      if (label && Object.entries(own).some(([key, text]) => (label[key] ?? text) !== text))
        return { items: [], next_cursor: null };
      const page = dependencies.store.list({
        ...{ ...query, externalId },
        ...(Object.keys(labels).length > 0 && { labels }),
      });
      return { items: page.items.map(presentCampaign), next_cursor: page.nextCursor };
    },
  );
}

function getCampaign(app: ServerApp, dependencies: CampaignNeeds): void {
  app.get(
    '/v1/campaigns/:id',
    {
      schema: describeRoute({
        operationId: 'getCampaign',
        scope: 'read',
        tags: ['campaigns'],
        summary: 'Get a campaign: state, progress, versions, timings',
        params: campaignParams,
        description:
          '`ETag` identifies the fields that PATCH changes; progress and results of expansions do not change it.',
        response: {
          200: json('The campaign.', campaignSchema, ['ETag']),
        },
        errors: ['campaign_not_found'],
      }),
    },
    async (request, reply) => {
      const campaign = presentCampaign(dependencies.store.get(request.params.id));
      return reply.header('etag', tagOfCampaign(campaign)).send(campaign);
    },
  );
}

function pathOf({ id }: { readonly id: string }): string {
  return `/v1/campaigns/${id}`;
}

function toAudienceRequest({
  size,
  percent,
}: {
  readonly size?: number | undefined;
  readonly percent?: number | undefined;
}) {
  return size === undefined ? { percent: percent ?? 0 } : { size };
}
