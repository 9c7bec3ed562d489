/** The route and the response schema of an audience's expected quality by size. */
import { z } from 'zod';
import type { Audience, Expansion } from '../../domain/types.ts';
import type { Expected } from '../../service/ports/estimates.ts';
import { category } from '../campaigns/inputs.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { drift, excludedCounts, type exclusion, fourFifthsPrice, predicted, verdict } from '../expansions/quality.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { count } from '../plugins/json/fields.ts';
import { versionNumber } from '../plugins/json/query-numbers.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';

const qualityReport = z
  .object({
    campaign_id: z.string(),
    expansion_id: z.string(),
    audience_version: count,
    size: count.describe('Number of users in the audience.'),
    candidates: count.describe('Number of users in the ranking.'),
    verdict: verdict.nullable().describe('The predicted quality in one word; `null` if nothing was predicted.'),
    reason: z.string().describe('A sentence that explains the verdict, with the relevant numbers.'),
    fitting_seeds: count
      .nullable()
      .describe(
        "Number of seeds that are in the population and match the campaign's filters. Only these seeds are held out " +
          'and ranked. `null` in a report by an earlier version of the service.',
      ),
    auc: predicted
      .nullable()
      .describe(
        'Probability that a user who likes the campaign scores above a candidate; `null` if too few seeds match the ' +
          'filters.',
      ),
    drift: drift
      .nullable()
      .describe(
        'Drift that the prediction assumes; `null` if nothing was predicted, or in a report by an earlier ' +
          'version of the service.',
      ),
    excluded: z
      .object({ category, ...excludedCounts })
      .nullable()
      .describe(
        "What the campaign's category excluded: names of user features, and the number of past campaigns; `null` " +
          'without a category.',
      ),
    four_fifths: fourFifthsPrice
      .nullable()
      .describe('The effect of the four-fifths rule; `null` if the campaign does not use it.'),
    curve: z
      .array(
        z.object({
          share: z.number().describe('Audience size as a share of the candidates.'),
          size: count.describe('Number of users in an audience of this size.'),
          recall: predicted.describe(
            'Share of the users who like the campaign, seeds excluded, that an audience of this size contains.',
          ),
          lift: predicted.describe(
            'Predicted lift: the number of users in the audience who like the campaign, relative to a random ' +
              'audience of the same size. `GET …/lift` returns the measured lift.',
          ),
          recall_with_all_features: predicted
            .nullable()
            .describe(
              'Recall of a model that uses all features, for the same held-out seeds. The difference from `recall` is ' +
                'what the exclusion costs. `null` without a category.',
            ),
        }),
      )
      .describe('Expected quality by audience size, smallest size first. Empty if too few seeds match the filters.'),
  })
  .meta({
    id: 'QualityReport',
    description:
      'The expected quality of the audience, predicted from the seeds alone. The seeds that match the filters ' +
      'are split into five parts, and each part is ranked among candidates by a model that learned from the ' +
      'other seeds. The 90 % intervals contain the true value nine times in ten. The report does not say how ' +
      'likely a single user is to like the campaign.',
    examples: [
      {
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        audience_version: 2,
        size: 1000,
        candidates: 20000,
        verdict: 'good',
        reason: 'held-out seeds rank above most candidates: AUC 0.86, between 0.82 and 0.90',
        fitting_seeds: 57,
        auc: { mean: 0.86, low: 0.82, high: 0.9 },
        drift: { measured: false, campaigns: 0, auc_before: null },
        excluded: null,
        four_fifths: null,
        curve: [
          {
            share: 0.05,
            size: 1000,
            recall: { mean: 0.42, low: 0.31, high: 0.53 },
            lift: { mean: 8.4, low: 6.2, high: 10.6 },
            recall_with_all_features: null,
          },
        ],
      },
    ],
  });

/** The requested audience version; by default the active version. */
const qualityQuery = z.strictObject({
  version: versionNumber().optional().describe('An audience version; by default the active version.'),
});

export function addQualityRoutes(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/campaigns/:id/quality',
    describeRoute({
      operationId: 'getAudienceQuality',
      scope: 'read',
      tags: ['audience'],
      summary: 'Get the expected quality of the audience, by size',
      params: campaignParams,
      querystring: qualityQuery,
      response: { 200: json('Expected recall and lift for 25 sizes, and a verdict.', qualityReport) },
      errors: ['campaign_not_found', 'audience_not_found', 'audience_not_ready'],
    }),
    async (request) => {
      const { id } = request.params;
      const { version } = request.query;
      const audience =
        version === undefined ? await store.activeAudience(id) : await store.audienceVersion(id, version);
      return reportQuality(audience, await store.expansion(id, audience.expansionId));
    },
  );
}

/**
 * The predicted lift of the audience: the point on the curve with the largest size that does not exceed the audience's.
 */
export function predictedLift(audience: Audience, quality: Expansion['quality']) {
  const { curve } = reportQuality(audience, { quality });
  return (curve.findLast(({ size }) => size <= audience.size) ?? curve[0])?.lift ?? null;
}

function reportQuality(audience: Audience, { quality }: Pick<Expansion, 'quality'>) {
  const prediction = (quality?.['prediction'] ?? null) as Expected | null; // as the engine wrote it
  const excluded = (quality?.['excluded'] ?? null) as z.input<typeof exclusion> | null; // as the engine wrote it
  const fourFifths = (quality?.['four_fifths'] ?? null) as z.input<typeof fourFifthsPrice> | null; // as the engine wrote it
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
    excluded,
    four_fifths: fourFifths,
    curve: shares.map((share) => ({
      share: Number(share),
      size: Math.min(candidates, Math.max(1, Math.ceil(Number(share) * candidates))),
      recall: prediction!.recall[share]!,
      lift: prediction!.lift[share]!,
      recall_with_all_features: excluded?.prediction_with_all_features?.recall[share] ?? null,
    })),
  };
}
