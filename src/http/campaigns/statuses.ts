/** The route that returns the states of many campaigns at once, and its schemas. */
import { z } from 'zod';
import { includesLabels } from '../../domain/api-keys.ts';
import type { Campaign } from '../../domain/types.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { latestState, runFields } from '../expansions/expansion.ts';
import { component } from '../openapi/component.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, externalIdText, idText } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';

const status = answerOf<Campaign>()(
  { id: 'CampaignStatus' },
  {
    id: z.string(),
    external_id: externalIdText,
    state: latestState,
    progress: runFields.progress,
    eta_seconds: runFields.eta_seconds,
    reason: runFields.reason,
    audience_version: count.nullable().describe('The active audience version; `null` before the first version.'),
    size: count.nullable().describe('Number of users in the active audience; `null` without one.'),
  },
  { eta_seconds: ({ remainingMs }) => remainingMs, size: ({ audienceSize }) => audienceSize },
);

interface Statuses {
  readonly items: readonly Campaign[];
  readonly notFound: readonly string[];
}

const statuses = answerOf<Statuses>()(
  {
    id: 'CampaignStatuses',
    examples: [
      {
        items: [
          {
            id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
            external_id: 'shoes-2026-autumn',
            state: 'ready',
            progress: 1,
            eta_seconds: null,
            reason: null,
            audience_version: 1,
            size: 1000,
          },
        ],
        not_found: ['shoes-2025-autumn'],
      },
    ],
  },
  {
    items: z.array(status).readonly().describe('The campaigns that were found, in the order of the request.'),
    not_found: z.array(z.string()).readonly().describe('Ids in the request that no visible campaign has.'),
  },
);

function statusesBody({ maximumCampaignPageSize: most, maximumExternalIdBytes }: ServerConfig) {
  const ids = z.array(idText('an id', maximumExternalIdBytes)).min(1).max(most);
  return z
    .strictObject({
      ids: ids.optional().describe('Ids of campaigns. Either this field or `external_ids` is required.'),
      external_ids: ids.optional().describe('External ids of campaigns.'),
    })
    .refine((given) => (given.ids === undefined) !== (given.external_ids === undefined), {
      message: 'either ids or external_ids is expected',
    })
    .meta({ ...component('CampaignStatusRequest'), examples: [{ external_ids: ['shoes-2026-autumn'] }] });
}

export function getCampaignStatuses(app: ServerApp, { config, store }: ServerDependencies): void {
  app.post(
    '/v1/campaigns/status',
    describeRoute({
      operationId: 'getCampaignStatuses',
      scope: 'read',
      labels: 'heeded',
      tags: ['campaigns'],
      summary: 'Get the states of many campaigns at once',
      description:
        'Finds campaigns by `ids` or by `external_ids`, at most as many as fit on a page of the list. `not_found` ' +
        'lists the ids of campaigns that do not exist or that the key may not see.',
      body: statusesBody(config),
      response: { 200: json('The states.', statuses) },
      errors: [],
    }),
    async ({ body, caller }) => {
      const { ids = [], external_ids: externalIds = [] } = body;
      const found = await store.findAll({ ids, externalIds });
      const needed = caller?.labels ?? {};
      const byId = new Map(
        found
          .filter(({ labels }) => includesLabels(labels, needed))
          .map((campaign) => [body.ids ? campaign.id : campaign.externalId, campaign]),
      );
      const wanted = [...new Set([...ids, ...externalIds])];
      return {
        items: wanted.flatMap((id) => byId.get(id) ?? []),
        notFound: wanted.filter((id) => !byId.has(id)),
      };
    },
  );
}
