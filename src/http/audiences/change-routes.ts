/** Routes of active versions: roll back, follow all changes; and the expected quality of an audience. */
import type { Audience, Expansion } from '../../domain/types.ts';
import type { Expected } from '../../service/ports/estimates.ts';
import { campaignParams } from '../campaigns/params.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { ifMatchHeaders, requireMatch } from '../plugins/preconditions.ts';
import { presentTime } from '../plugins/present-time.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { activateBody, changesQuery, changesSchema } from './change-schemas.ts';
import { presentAudienceVersion } from './present.ts';
import { qualityQuery, qualityReportSchema } from './quality-schemas.ts';
import { audienceVersionSchema } from './schemas.ts';

/** What these routes call. */
export type ChangeNeeds = Pick<ServerDependencies, 'config'> & {
  readonly store: Pick<
    ServerDependencies['store'],
    'activate' | 'activeAudience' | 'audienceVersion' | 'changes' | 'expansion' | 'get'
  >;
};

export function addVersionRoutes(app: ServerApp, dependencies: ChangeNeeds): void {
  activateAudienceVersion(app, dependencies);
  getAudienceQuality(app, dependencies);
  listChanges(app, dependencies);
}

function activateAudienceVersion(app: ServerApp, { store }: ChangeNeeds): void {
  app.put(
    '/v1/campaigns/:id/audience',
    {
      schema: describeRoute({
        operationId: 'activateAudienceVersion',
        scope: 'write',
        tags: ['audience'],
        summary: 'Make another audience version the active one',
        description:
          'Rolls back, or forward again, at once. `…/audiences` lists the versions; old ones are removed ' +
          'after a while. `If-Match` takes any `ETag` that the active version was read with.',
        params: campaignParams,
        headers: ifMatchHeaders,
        body: activateBody,
        response: {
          200: json('The version that is now active.', audienceVersionSchema),
        },
        errors: ['campaign_not_found', 'audience_not_found', 'precondition_failed'],
      }),
    },
    async (request) => {
      const { id } = request.params;
      const { audienceVersion: active } = store.get(id);
      // its ETags differ by media type and coding alone
      requireMatch(request.headers['if-match'], (etag) => etag.startsWith(`"${active}-`));
      return presentAudienceVersion(store.activate(id, request.body.version));
    },
  );
}

function getAudienceQuality(app: ServerApp, { store }: ChangeNeeds): void {
  app.get(
    '/v1/campaigns/:id/quality',
    {
      schema: describeRoute({
        operationId: 'getAudienceQuality',
        scope: 'read',
        tags: ['audience'],
        summary: "Get the audience's expected quality, by size",
        params: campaignParams,
        querystring: qualityQuery,
        response: {
          200: json('Expected recall and lift for 25 sizes, and a verdict.', qualityReportSchema),
        },
        errors: ['campaign_not_found', 'audience_not_found', 'audience_not_ready'],
      }),
    },
    async (request) => {
      const { id } = request.params;
      const { version } = request.query;
      const audience = version === undefined ? store.activeAudience(id) : store.audienceVersion(id, version);
      return reportQuality(audience, store.expansion(id, audience.expansionId));
    },
  );
}

function listChanges(app: ServerApp, { config, store }: ChangeNeeds): void {
  app.get(
    '/v1/changes',
    {
      schema: describeRoute({
        operationId: 'listChanges',
        scope: 'read',
        tags: ['audience'],
        summary: 'Follow the active audiences of all campaigns',
        description:
          'Every change of an active version, in order: an ad server polls this to stay in sync. Each change ' +
          'has the address of the difference, which works as long as both versions are kept: retention ' +
          'removes old ones, and then the address returns 404 `audience_not_found`. In that case read the ' +
          'whole active audience (`GET /v1/campaigns/{id}/audience`), and continue from `next_cursor`.',
        querystring: changesQuery(config),
        response: {
          200: json('Changes.', changesSchema),
        },
        errors: ['invalid_cursor'],
      }),
    },
    async ({ query }) => {
      const { items, nextCursor, hasMore } = store.changes(query.since, query.limit);
      return {
        items: items.map(({ campaignId, kind, version, previousVersion, size, changedAt }) => ({
          campaign_id: campaignId,
          kind,
          version,
          previous_version: previousVersion,
          size,
          diff:
            version === null || previousVersion === null
              ? null
              : `/v1/campaigns/${campaignId}/audiences/${previousVersion}/diff/${version}`,
          changed_at: presentTime(changedAt),
        })),
        next_cursor: nextCursor,
        has_more: hasMore,
      };
    },
  );
}

function reportQuality(audience: Audience, { quality }: Expansion) {
  const prediction = (quality?.['prediction'] ?? null) as Expected | null; // as the engine wrote it
  const { candidates } = audience;
  const shares = Object.keys(prediction?.recall ?? {}).sort((a, b) => Number(a) - Number(b));
  return {
    campaign_id: audience.campaignId,
    expansion_id: audience.expansionId,
    audience_version: audience.version,
    size: audience.size,
    candidates,
    verdict: prediction?.verdict ?? null,
    reason: prediction?.reason ?? 'this expansion has no prediction',
    fitting_seeds: prediction?.fitting_seeds ?? null,
    auc: prediction?.auc ?? null,
    drift: prediction?.drift ?? null,
    curve: shares.map((share) => ({
      share: Number(share),
      size: Math.min(candidates, Math.max(1, Math.ceil(Number(share) * candidates))),
      recall: prediction!.recall[share]!,
      lift: prediction!.lift[share]!,
    })),
  };
}
