/** Routes that create, change, delete, list and get campaigns. */
import type { FastifyReply } from 'fastify';
import { refuseUnknownFilters } from '../../domain/filters.ts';
import { refuseUngrouped } from '../../domain/four-fifths.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import { exclusionsOf, refuseExcludedFilters } from '../../domain/special-categories.ts';
import type { Campaign } from '../../domain/types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { requireLabels } from '../plugins/access/access.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { inCamelCase } from '../plugins/json/answer.ts';
import { sendShown } from '../plugins/json/json-writing.ts';
import { campaignParams } from '../plugins/params.ts';
import { ifMatchHeaders, requireMatch } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { findUser } from '../user-sets/find-user.ts';
import { identifyStored, userIdOf } from '../user-sets/identifiers.ts';
import { splitSeeds } from '../user-sets/seed-weights.ts';
import { refuseTooManyIds } from '../user-sets/user-id-list.ts';
import { campaign, campaignBody, campaignChangeBody, campaignPage, campaignQuery, tagOfCampaign } from './campaign.ts';
import { countFeatures } from './features.ts';
import { toRefreshChange, toRefreshPolicy } from './inputs.ts';
import { getCampaignStatuses } from './statuses.ts';

export function addCampaignRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  createCampaign(app, dependencies);
  updateCampaign(app, dependencies);
  deleteCampaign(app, dependencies);
  listCampaigns(app, dependencies);
  getCampaign(app, dependencies);
  getCampaignStatuses(app, dependencies);
}

/** Errors of a campaign's features, filters and category. */
const INPUT_ERRORS = ['unknown_feature', 'unknown_filter', 'unlabelled_category', 'excluded_filter'] as const;
const CREATION =
  'Stores the seeds, queues the expansion and returns at once; the campaign shows the progress. Too few known ' +
  'seeds are not an error; the campaign then has the state `too_small` and a reason that gives the numbers. If ' +
  'another campaign has the same `external_id`, the request is refused, and the error contains the id of that ' +
  'campaign (`campaign_id`). Repeating the request with the same `Idempotency-Key` creates nothing new; the ' +
  'response then has `Idempotent-Replayed: true`.';
const CREATED_HEADERS = ['Location', 'ETag', 'Idempotent-Replayed'] as const;

function createCampaign(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  const once = createOnce(dependencies.store);
  app.post(
    '/v1/campaigns',
    {
      ...describeRoute({
        operationId: 'createCampaign',
        scope: 'write',
        labels: 'heeded',
        tags: ['campaigns'],
        summary: 'Create a campaign',
        description: CREATION,
        headers: idempotencyHeaders,
        body: campaignBody(config),
        response: { 202: json('Accepted; `Location` is the URL of the campaign.', campaign, CREATED_HEADERS) },
        errors: [...INPUT_ERRORS, 'external_id_taken', 'idempotency_key_reused', 'too_many_seeds'],
      }),
      preValidation: async (request) => refuseTooManyIds(request.body, 'seeds', config.maximumInlineSeeds),
    },
    async (request, reply) => {
      const { body, caller } = request;
      requireLabels(caller, body.labels ?? {});
      const { audience, refresh, seeds, ...fields } = body;
      return once(request, reply, {
        answer: campaign,
        identity: body,
        make: async (idempotent) => {
          const { model, population } = dependencies.served();
          const featureCounts = countFeatures(model.campaignFeatures, body.features);
          const identify = identifyStored({}, population);
          const split = seeds && splitSeeds(seeds);
          for (const [i, seed] of split?.seeds.entries() ?? []) userIdOf(seed, identify, `/seeds/${i}`);
          refuseUnknownFilters(population, body.filters);
          refuseExcludedFilters(exclusionsOf(population, body.category), body.filters);
          refuseUngrouped(population, { fourFifths: body.four_fifths, filters: body.filters });
          const input = {
            ...inCamelCase(fields),
            featureCounts,
            ...split,
            audience,
            refresh: toRefreshPolicy(refresh),
          };
          const made = await dependencies.store.create(input, (id) => findUser(population, id) >= 0, idempotent);
          if (made.state === 'queued') dependencies.wake();
          return made;
        },
        head: (response, shown) =>
          response.code(202).headers({ location: `/v1/campaigns/${shown.id}`, etag: tagOfCampaign(shown) }),
      });
    },
  );
}

function updateCampaign(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  app.patch(
    '/v1/campaigns/:id',
    describeRoute({
      operationId: 'updateCampaign',
      scope: 'write',
      tags: ['campaigns'],
      summary: 'Change a campaign',
      description:
        'Changes the given fields. A new audience size or hold-out takes effect at once, without an expansion: the ' +
        'service creates another audience version from the same ranking. New features, filters and a new category take ' +
        'effect in the next expansion, and `needs_expansion` shows that an expansion is due.',
      params: campaignParams,
      headers: ifMatchHeaders,
      body: campaignChangeBody(config),
      response: { 200: json('The campaign.', campaign, ['ETag']) },
      errors: [...INPUT_ERRORS, 'campaign_not_found', 'external_id_taken', 'precondition_failed'],
    }),
    async (request, reply) => {
      const { store } = dependencies;
      const { model, population } = dependencies.served();
      const { features, audience, refresh, ...fields } = request.body;
      if (fields.labels) requireLabels(request.caller, fields.labels);
      if (fields.filters) refuseUnknownFilters(population, fields.filters);
      const change = {
        ...inCamelCase(fields),
        ...(features && { features: { values: features, counts: countFeatures(model.campaignFeatures, features) } }),
        ...(audience && { audience }),
        ...(refresh && { refresh: toRefreshChange(refresh) }),
      };
      const isSame = sameAs(request.headers['if-match']);
      const accept: Accept<Campaign> = (found) => {
        isSame?.(found);
        const { category = found.category, filters = found.filters } = fields;
        if (fields.category || fields.filters) refuseExcludedFilters(exclusionsOf(population, category), filters);
        const { four_fifths: fourFifths = found.fourFifths } = fields;
        if (fields.four_fifths || fields.filters) refuseUngrouped(population, { fourFifths, filters });
      };
      return sendCampaign(reply, await store.update(request.params.id, change, accept));
    },
  );
}

function deleteCampaign(app: ServerApp, dependencies: ServerDependencies): void {
  app.delete(
    '/v1/campaigns/:id',
    describeRoute({
      operationId: 'deleteCampaign',
      scope: 'write',
      tags: ['campaigns'],
      summary: 'Delete a campaign with its seeds, expansions and audiences',
      description: 'A running expansion is stopped. Audience streams that are already open continue to their end.',
      params: campaignParams,
      headers: ifMatchHeaders,
      response: { 204: { description: 'The resource was deleted.' } },
      errors: ['campaign_not_found', 'precondition_failed'],
    }),
    async (request, reply) => {
      const { id } = request.params;
      const left = await dependencies.store.delete(id, sameAs(request.headers['if-match']));
      // the campaign itself has been deleted, so the periodic clean-up can remove the remaining feedback
      if (left !== null)
        request.log.warn({ error: left.message }, 'the feedback of a deleted campaign will be removed later');
      return reply.code(204).send(null);
    },
  );
}

function listCampaigns(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  app.get(
    '/v1/campaigns',
    describeRoute({
      operationId: 'listCampaigns',
      scope: 'read',
      labels: 'heeded',
      tags: ['campaigns'],
      summary: 'List campaigns, by default newest first',
      querystring: campaignQuery(config),
      response: { 200: json('A page of the list.', campaignPage) },
      errors: ['invalid_cursor'],
    }),
    async (request) => {
      const { label, ...query } = request.query;
      const own = request.caller?.labels ?? {};
      const labels = { ...label, ...own };
      // a caller whose key has a label may search only for campaigns with the same value of that label
      if (label && Object.entries(own).some(([key, text]) => (label[key] ?? text) !== text))
        return { items: [], nextCursor: null };
      return dependencies.store.list({ ...inCamelCase(query), ...(Object.keys(labels).length > 0 && { labels }) });
    },
  );
}

function getCampaign(app: ServerApp, dependencies: ServerDependencies): void {
  app.get(
    '/v1/campaigns/:id',
    describeRoute({
      operationId: 'getCampaign',
      scope: 'read',
      tags: ['campaigns'],
      summary: 'Get a campaign, with its state, progress, versions and timings',
      params: campaignParams,
      description:
        '`ETag` identifies the fields that PATCH can change; progress and results of expansions do not affect it.',
      response: { 200: json('The campaign.', campaign, ['ETag']) },
      errors: ['campaign_not_found'],
    }),
    async (request, reply) => sendCampaign(reply, await dependencies.store.get(request.params.id)),
  );
}

/** The condition of `If-Match`, which throws precondition_failed; undefined if the request has no such header. */
function sameAs(ifMatch: string | undefined): Accept<Campaign> | undefined {
  if (ifMatch === undefined) return undefined;
  return (found) => {
    const tag = tagOfCampaign(campaign.parse(found));
    requireMatch(ifMatch, (etag) => etag === tag);
  };
}

function sendCampaign(reply: FastifyReply, found: Campaign): FastifyReply {
  const shown = campaign.parse(found);
  return sendShown(reply.header('etag', tagOfCampaign(shown)), shown);
}
