/** Explanations of an audience: the response schema, the query and the routes. */

import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Expansion } from '../../domain/types.ts';
import type { AudienceToExplain, Explanation } from '../../service/ports/audiences.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { createSlots } from '../plugins/connections/slots.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, featureKind, range, sensitive } from '../plugins/json/fields.ts';
import { pageLimit, versionNumber } from '../plugins/json/query-numbers.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';

/** Users of the audience, of the population or of the seeds who have a token. */
const part = z.object({
  count: count.describe('Number of these users who have the token.'),
  share: z.number().min(0).max(1).describe('`count` divided by the number of these users; 0 if there are none.'),
});

const groupRate = z.object({
  token: z.string().describe('The token that the users of the group have.'),
  population: count.describe('Number of users in the population who belong to the group.'),
  audience: count.describe('Number of users in the audience who belong to the group.'),
  rate: z.number().min(0).max(1).describe('Selection rate of the group: `audience` divided by `population`.'),
});

const disparity = z
  .object({
    ratio: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe(
        'The lowest selection rate divided by the highest rate; 1 if all rates are equal, `null` if no group ' +
          'has a member in the audience.',
      ),
    lowest: groupRate,
    highest: groupRate,
    groups: count.describe('Number of groups that are large enough to be compared.'),
    warning: z
      .boolean()
      .describe('Whether the ratio is below the configured limit (by default 80 %, the four-fifths rule).'),
  })
  .describe(
    'Comparison of selection rates; only for a sensitive feature with at least two groups that are large enough.',
  );

const token = z.object({
  token: z.string().nullable().describe('The token; `null` for users without a value.'),
  audience: part,
  population: part,
  seeds: part.nullable().describe('Frequency of the token among the seeds; `null` if the seeds are not known.'),
  lift: z
    .object({ estimate: z.number().describe('The quotient.'), ...range.shape })
    .describe(
      'Share of the token in the audience divided by its share in the population, with the 95 % interval of this ' +
        'token.',
    ),
  z: z
    .number()
    .describe(
      'Strength of the evidence, in standard deviations from a random audience: positive if the token is ' +
        'over-represented in the audience, negative if under-represented.',
    ),
});

type Feature = Explanation['features'][number];

const numbers = answerOf<NonNullable<Feature['numbers']>>()(
  {},
  {
    audience_mean: z.number().nullable().describe('Mean of the feature in the audience; `null` for a vector.'),
    population_mean: z.number().nullable().describe('Mean of the feature in the population; `null` for a vector.'),
    shift: z
      .number()
      .nullable()
      .describe(
        'Difference of the means in standard deviations of the population; for a vector, the root mean square over its ' +
          'numbers. `null` if nobody has a value.',
      ),
  },
);

const explainedFeature = answerOf<Feature>()(
  {},
  {
    feature: z.string().describe('Name of a user feature.'),
    kind: featureKind,
    sensitive,
    token_count: count.describe(
      'Number of distinct tokens (or bands of a number) in the population. The list may contain fewer.',
    ),
    numbers: numbers
      .nullable()
      .describe('Statistics of a number or vector, computed over users who have a value; `null` for tokens.'),
    tokens: z.array(token).readonly().describe('Tokens of the feature, strongest evidence first.'),
    disparity: disparity.nullable().describe('Comparison of selection rates; `null` if rates are not compared.'),
  },
);

/** An explanation of an audience version. */
interface ShownExplanation extends Explanation {
  readonly version: number;
  readonly populationVersion: string;
  readonly warnings: { readonly code: 'disparity'; readonly feature: string; readonly message: string }[];
}

const explanation = answerOf<ShownExplanation>()(
  {
    id: 'Explanation',
    examples: [
      {
        version: 2,
        population_version: 'ba9876543210',
        population: { count: 50_120 },
        audience: { count: 1000 },
        seeds: { count: 117 },
        features: [
          {
            feature: 'hobby',
            kind: 'multi',
            sensitive: false,
            token_count: 212,
            numbers: null,
            tokens: [
              {
                token: 'camping',
                audience: { count: 640, share: 0.64 },
                population: { count: 5012, share: 0.1 },
                seeds: { count: 88, share: 0.752 },
                lift: { estimate: 6.4, low: 6.1, high: 6.71 },
                z: 57.5,
              },
            ],
            disparity: null,
          },
        ],
        warnings: [],
      },
    ],
  },
  {
    version: z.int().min(1).describe('Number of the audience version.'),
    population_version: z.string().describe('The population version from which the audience was selected.'),
    population: z.object({ count: count.describe('Number of users in the population version.') }),
    audience: z.object({ count: count.describe('Number of members who are in the population version.') }),
    seeds: z
      .object({ count: count.describe('Number of seeds who are in the population or were sent with `features`.') })
      .nullable()
      .describe('The seeds; `null` if they are not known.'),
    features: z.array(explainedFeature).readonly(),
    warnings: z
      .array(
        z.object({
          code: z.literal('disparity'),
          feature: z.string().describe('Name of the feature.'),
          message: z.string(),
        }),
      )
      .describe('Sensitive features whose groups have selection rates that differ too much.'),
  },
  {
    population: ({ populationSize }) => ({ count: populationSize }),
    audience: ({ audienceSize }) => ({ count: audienceSize }),
    seeds: ({ seedCount }) => (seedCount === null ? null : { count: seedCount }),
  },
);

function explanationQuery(config: ServerConfig) {
  return z.strictObject({
    version: versionNumber().optional(),
    limit: pageLimit(config.maximumExplanationTokens, config.defaultExplanationTokens).describe(
      'Maximum number of tokens per feature.',
    ),
  });
}

/** The route that explains an audience. */
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
