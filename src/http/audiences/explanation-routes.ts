/** Route of an explanation: who an audience is. */
import type { z } from 'zod';
import type { Explanation } from '../../audience/explanation.ts';
import type { Audience } from '../../domain/types.ts';
import { campaignParams } from '../campaigns/params.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { explanationQuery, explanationSchema } from './explanation-schemas.ts';
import { createExplanations } from './explanations.ts';

/** What these routes call. */
export type ExplanationNeeds = Pick<ServerDependencies, 'config' | 'explainer'> & {
  readonly store: Pick<ServerDependencies['store'], 'activeAudience' | 'audienceVersion' | 'setsOf'>;
};

export function addExplanationRoutes(app: ServerApp, dependencies: ExplanationNeeds): void {
  const { config, store } = dependencies;
  const explain = createExplanations(dependencies);

  app.get(
    '/v1/campaigns/:id/explanation',
    {
      config: { class: 'computed' },
      schema: describeRoute({
        operationId: 'getAudienceExplanation',
        scope: 'read',
        tags: ['audience'],
        summary: 'Explain who the audience is',
        description:
          'Tokens that are more or less frequent in the audience than in the population that it was made ' +
          'with, by user feature, strongest evidence first, with the frequency among the seeds. Features ' +
          'that the data set marks as sensitive are compared by group. The first request for a version takes ' +
          'seconds with a million users; ' +
          `at most ${config.maximumOpenExplanations} at a time (503 with \`Retry-After\`).`,
        params: campaignParams,
        querystring: explanationQuery(config),
        response: {
          200: json('The explanation.', explanationSchema),
        },
        errors: ['campaign_not_found', 'audience_not_found', 'audience_not_ready', 'population_unavailable'],
      }),
    },
    async (request) => {
      const { version, limit } = request.query;
      const { id } = request.params;
      const audience = version === undefined ? store.activeAudience(id) : store.audienceVersion(id, version);
      const { seeds, positives } = store.setsOf(audience);
      const seedSets = positives === null ? [seeds] : [seeds, positives];
      return present(audience, await explain({ ...audience, seedSets }), limit, config.minimumDisparityPercent);
    },
  );
}

function present(
  { version, populationVersion }: Audience,
  explanation: Explanation,
  limit: number,
  minimumDisparityPercent: number,
): z.output<typeof explanationSchema> {
  const { populationSize, audienceSize, seedCount, features } = explanation;
  return {
    version,
    population_version: populationVersion,
    population: { count: populationSize },
    audience: { count: audienceSize },
    seeds: seedCount === null ? null : { count: seedCount },
    features: features.map(({ feature, kind, sensitive, tokenCount, numbers, tokens, disparity }) => ({
      feature,
      kind,
      sensitive,
      token_count: tokenCount,
      numbers: numbers && {
        audience_mean: numbers.audienceMean,
        population_mean: numbers.populationMean,
        shift: numbers.shift,
      },
      tokens: tokens.slice(0, limit),
      disparity,
    })),
    warnings: features.flatMap(({ feature, disparity }) => {
      if (!disparity?.warning) return [];
      const { lowest, highest, ratio } = disparity;
      const percent = Math.floor(100 * (ratio ?? 0));
      const message =
        `"${lowest.token}" is selected at ${percent} % of the rate of "${highest.token}", less than ` +
        `${minimumDisparityPercent} %`;
      return [{ code: 'disparity' as const, feature, message }];
    }),
  };
}
