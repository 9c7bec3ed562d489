/** The route that explains an audience. */
import { LRUCache } from 'lru-cache';
import type { Expansion } from '../../domain/types.ts';
import type { AudienceToExplain, Explanation } from '../../service/ports/audiences.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { createSlots } from '../plugins/connections/slots.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { explanation, explanationQuery, type ShownExplanation } from './explanation.ts';

export function addExplanationRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, store } = dependencies;
  const explain = createExplanations(dependencies);

  app.get(
    '/v1/campaigns/:id/explanation',
    describeRoute({
      config: { class: 'computed' },
      operationId: 'getAudienceExplanation',
      scope: 'read',
      tags: ['audience'],
      summary: 'Explain who is in the audience',
      description:
        'Shows for each user feature which tokens are more or less frequent in the audience than in the ' +
        'population, strongest evidence first, and how frequent these tokens are among the seeds. For features ' +
        'that the data set marks as sensitive, the selection rates of groups are compared. Features that are ' +
        "excluded for the campaign's category have no tokens here, only this comparison. With a million users, " +
        'the first request for a version takes several seconds; requests for other explanations get 503 with ' +
        '`Retry-After` in the meantime.',
      params: campaignParams,
      querystring: explanationQuery(config),
      response: { 200: json('The explanation.', explanation) },
      errors: ['campaign_not_found', 'audience_not_found', 'audience_not_ready', 'population_unavailable'],
    }),
    async (request) => {
      const { version, limit } = request.query;
      const { id } = request.params;
      const audience =
        version === undefined ? await store.activeAudience(id) : await store.audienceVersion(id, version);
      const { seeds, positives } = await store.setsOf(audience);
      const seedSets = positives === null ? [seeds] : [seeds, positives];
      const explained = await explain({ ...audience, seedSets });
      const { quality } = await store.expansion(id, audience.expansionId);
      const isExcluded = excludedIn(quality);
      return {
        ...explained,
        version: audience.version,
        populationVersion: audience.populationVersion,
        features: explained.features.map((one) => ({
          ...one,
          ...(isExcluded(one.feature) ? { tokens: [], numbers: null } : { tokens: one.tokens.slice(0, limit) }),
        })),
        warnings: warningsOf(explained, config.minimumDisparityPercent),
      };
    },
  );
}

/**
 * Explains an audience, or returns the cached explanation of the same ranking and size, which never changes. Concurrent
 * requests for the same explanation share one computation.
 * @throws AppError unavailable (with retry_after) if too many other explanations are being computed; the explainer's
 * errors
 */
function createExplanations({ config, explainer }: ServerDependencies) {
  const take = createSlots(config.maximumOpenExplanations, 'explanations are being computed');
  const kept = new LRUCache<string, Explanation, AudienceToExplain>({
    max: config.keptExplanations,
    fetchMethod: async (_key, _stale, { context }) => {
      const release = take();
      try {
        return await explainer.explain(context);
      } finally {
        release();
      }
    },
  });
  return (audience: AudienceToExplain): Promise<Explanation> =>
    kept.forceFetch(`${audience.size} ${audience.folder}`, { context: audience });
}

/** Whether the expansion excluded a feature or some of its past campaigns. */
function excludedIn(quality: Expansion['quality']): (feature: string) => boolean {
  const excluded = quality?.['excluded'] as
    | { readonly features: readonly string[]; readonly past_campaigns: number }
    | undefined; // as the engine wrote it
  return (feature) =>
    excluded !== undefined &&
    (excluded.features.includes(feature) || (feature === 'past_campaigns' && excluded.past_campaigns > 0));
}

function warningsOf({ features }: Explanation, minimumDisparityPercent: number): ShownExplanation['warnings'] {
  return features.flatMap(({ feature, disparity }) => {
    if (!disparity?.warning) return [];
    const { lowest, highest, ratio } = disparity;
    const percent = Math.floor(100 * (ratio ?? 0));
    const message =
      `"${lowest.token}" is selected at ${percent} % of the rate of "${highest.token}", less than ` +
      `${minimumDisparityPercent} %`;
    return [{ code: 'disparity', feature, message }];
  });
}
