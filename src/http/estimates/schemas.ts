/** The shapes of an estimate. */
import { z } from 'zod';
import { featuresField, seedsField } from '../campaigns/fields.ts';
import { filtersField } from '../campaigns/inputs.ts';
import type { ServerConfig } from '../config.ts';
import { excludedSchema, seedCountsSchema } from '../expansions/counts-schema.ts';
import { driftSchema } from '../expansions/quality-schema.ts';
import { component } from '../openapi/component.ts';
import { count } from '../plugins/json/fields.ts';
import { userIdList } from '../user-sets/user-id-list.ts';

const interval = z
  .object({ mean: z.number(), low: z.number(), high: z.number() })
  .describe('An estimate and its 90 % interval.');
const bySize = z.record(z.string(), interval);

/** Seeds, what is known about their campaign, and who must not be in an audience. */
export function estimateBody(config: ServerConfig) {
  return z
    .strictObject({
      features: featuresField(config).default({}),
      seeds: seedsField(config),
      filters: filtersField(config).default({}),
      suppression: userIdList(
        config,
        "User ids that are neither used as seeds nor in an audience, like those in the installation's " +
          'suppression list.',
      ).optional(),
    })
    .meta({
      ...component('EstimateCreate'),
      examples: [
        {
          features: { category: 'shoes' },
          seeds: ['u1', 'u2', 'u3'],
          filters: { country: ['DE', 'AT'] },
          suppression: ['u9'],
        },
      ],
    });
}

export const estimateSchema = z
  .object({
    seeds: seedCountsSchema
      .extend({
        suppressed: count.nullable().describe('Known seeds that are suppressed: an expansion does not use them.'),
      })
      .describe('received = known + unknown + duplicate; `suppressed` is null until users were counted.'),
    feature_counts: z.object({
      unknown: count.describe('Values that the model does not know.'),
      missing: count.describe('Features of the model for which no value was given.'),
    }),
    minimum: z.int().describe('Number of known, unsuppressed seeds that an expansion needs.'),
    enough: z.boolean().describe('Whether there are that many, as far as counted.'),
    excluded: excludedSchema.nullable(),
    candidates: count
      .nullable()
      .describe('Remaining users, from whom an audience would be made; null until they were counted.'),
    cohesion: interval
      .nullable()
      .describe(
        'How similar the seeds are: the probability that a seed that the model did not see ranks above a ' +
          'random user. .5 is chance. null also if too few seeds fit the filters: `expected.reason` says so.',
      ),
    expected: z
      .object({
        verdict: z.enum(['good', 'weak', 'unsure']),
        reason: z.string().describe('The verdict in a sentence.'),
        recall: bySize.describe(
          'Share of the members who are not seeds that an audience contains, by its size as a share of `candidates`. ' +
            'Empty if too few seeds fit the filters.',
        ),
        lift: bySize.describe('Members in that audience, as a multiple of those in a random audience.'),
        drift: driftSchema.nullable(),
      })
      .nullable()
      .describe('The expected quality of an audience.'),
    based_on: z
      .object({
        seeds: z.int(),
        fitting_seeds: z.int().describe('Those of them that fit the filters: only these are ranked among candidates.'),
        candidates: z.int(),
      })
      .nullable()
      .describe('The seeds and random candidates that were used: an expansion learns from more.'),
    reason: z
      .object({
        code: z.enum(['too_few_seeds', 'no_candidates', 'loading', 'busy', 'too_slow', 'failed']),
        message: z.string(),
      })
      .nullable()
      .describe('Why `expected` is missing; null if it is present.'),
  })
  .meta({
    id: 'Estimate',
    examples: [
      {
        seeds: {
          received: 120,
          known: 117,
          unknown: 2,
          duplicate: 1,
          unknown_examples: ['u-77', 'u-78'],
          suppressed: 3,
        },
        feature_counts: { unknown: 0, missing: 1 },
        minimum: 10,
        enough: true,
        excluded: { seeds: 114, suppressed: 1_204, filtered: 31_477 },
        candidates: 17_205,
        cohesion: { mean: 0.83, low: 0.77, high: 0.89 },
        expected: {
          verdict: 'good',
          reason:
            'held-out seeds rank above most candidates: AUC 0.83, between 0.77 and 0.89, from the 71 of 114 seeds that ' +
            'fit the filters',
          recall: { '0.05': { mean: 0.31, low: 0.21, high: 0.41 } },
          lift: { '0.05': { mean: 6.2, low: 4.2, high: 8.2 } },
          drift: { measured: false, campaigns: 0, auc_before: null },
        },
        based_on: { seeds: 114, fitting_seeds: 71, candidates: 3_000 },
        reason: null,
      },
    ],
  });

export type EstimateAnswer = z.output<typeof estimateSchema>;
