/** Route of estimates: seeds in, what an audience of them would be worth out; nothing is stored. */
import { countSeeds } from '../../campaigns/seeds.ts';
import type { SeedCounts } from '../../campaigns/types.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Estimates, Expected, ServerDependencies } from '../config.ts';
import { type EstimateAnswer, estimateBody, estimateSchema } from '../estimate-schemas.ts';
import type { ServerApp } from '../fastify-types.ts';
import { countFeatures } from '../features.ts';
import { findUser } from '../find-user.ts';
import { problemResponses } from '../schemas.ts';
import { refuseTooManySeeds } from '../seed-limit.ts';

const JSON_TYPE = 'application/json';

/** Sizes of audiences that are told, as shares of the candidates. */
const SHARES = ['0.01', '0.05', '0.1', '0.2'];

type Told = Pick<EstimateAnswer, 'cohesion' | 'expected' | 'based_on' | 'reason'>;

export function addEstimateRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, population } = dependencies;

  app.post(
    '/v1/estimates',
    {
      schema: {
        operationId: 'createEstimate',
        tags: ['campaigns'],
        summary: 'Estimate what an audience of some seeds would be worth',
        description:
          'Nothing is stored. Known and unknown seeds are counted, and where they are enough the model is adapted to some of them, as an expansion would, and tried on ' +
          `the others. That may take ${config.estimateTimeMs} ms: where it takes longer, or others are being made before it, \`reason\` says so and the rest is told. ` +
          `At most ${config.maximumEstimateSeeds} seeds and ${config.maximumEstimateCandidates} random users are looked at.`,
        body: estimateBody(config),
        response: {
          200: { description: 'The estimate.', content: { [JSON_TYPE]: { schema: estimateSchema } } },
          ...problemResponses(
            'invalid_request',
            'unknown_feature',
            'unauthorized',
            'request_timeout',
            'body_too_large',
            'too_many_seeds',
            'unsupported_media_type',
            'unavailable',
          ),
        },
      },
      preValidation: async (request) => refuseTooManySeeds(request.body, config.maximumInlineSeeds),
    },
    async (request) => {
      const { features, seeds } = request.body;
      const featureCounts = countFeatures(dependencies.campaignFeatures, features);
      const { userIds, counts } = countSeeds(seeds, (id) => findUser(population, id) >= 0);
      const enough = counts.known >= config.minimumSeeds;
      const answer = {
        seeds: presentSeeds(counts),
        feature_counts: featureCounts,
        minimum: config.minimumSeeds,
        enough,
      };
      if (!enough) {
        const message = `${counts.known} of the seeds are in the population, at least ${config.minimumSeeds} are needed`;
        return { ...answer, ...nothing('too_few_seeds', message) };
      }
      if (counts.known === population.rowCount)
        return { ...answer, ...nothing('no_candidates', 'every user of the population is a seed') };
      const task = {
        features,
        seeds: rowsOf(userIds),
        mostSeeds: config.maximumEstimateSeeds,
        mostCandidates: config.maximumEstimateCandidates,
      };
      try {
        return { ...answer, ...tell(await dependencies.estimates.estimate(task, config.estimateTimeMs)) };
      } catch (error) {
        request.log.error({ error: messageOf(error) }, 'an estimate failed');
        return {
          ...answer,
          ...nothing('failed', `the log of the service says more under the request id ${request.id}`),
        };
      }
    },
  );

  /** Rows of those whom the population has, ascending. */
  function rowsOf(userIds: readonly string[]): Int32Array {
    const numbers = userIds.map((id) => findUser(population, id)).filter((number) => number >= 0);
    return Int32Array.from(numbers, (number) => population.rowOf[number]!).sort();
  }
}

/** Why there is no estimate now. */
const NOT_NOW = {
  loading: ['loading', 'the model is being read for estimates, once, which takes seconds: ask again'],
  busy: ['busy', 'other estimates are being made: ask again'],
  late: ['too_slow', 'the time was too short for it: ask again, or create the campaign, which tells it too'],
} as const;

function tell(outcome: Awaited<ReturnType<Estimates['estimate']>>): Told {
  if (outcome.kind !== 'estimate') {
    const [code, message] = NOT_NOW[outcome.kind];
    return nothing(code, message);
  }
  const { prediction, seeds, candidates } = outcome.estimate;
  const { verdict, reason, auc, recall, lift } = prediction;
  return {
    cohesion: auc,
    expected: { verdict, reason, recall: few(recall), lift: few(lift) },
    based_on: { seeds, candidates },
    reason: null,
  };
}

function few(values: Expected['recall']): Expected['recall'] {
  return Object.fromEntries(Object.entries(values).filter(([share]) => SHARES.includes(share)));
}

function presentSeeds({ unknownExamples, ...counts }: SeedCounts): EstimateAnswer['seeds'] {
  return { ...counts, unknown_examples: unknownExamples };
}

function nothing(code: NonNullable<EstimateAnswer['reason']>['code'], message: string): Told {
  return { cohesion: null, expected: null, based_on: null, reason: { code, message } };
}
