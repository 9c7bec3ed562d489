/** Estimates: response and request schemas. */
import { z } from 'zod';
import type { SeedCounts } from '../../domain/types.ts';
import { featureCounts } from '../campaigns/campaign.ts';
import { featuresField, filtersField, negativeWeightField, optionalCategory } from '../campaigns/inputs.ts';
import type { ServerConfig } from '../config.ts';
import { excluded, outside, seedCountFields } from '../expansions/expansion.ts';
import { drift, verdict } from '../expansions/quality.ts';
import { component } from '../openapi/component.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, interval } from '../plugins/json/fields.ts';
import { estimateSeedList } from '../user-sets/seed-weights.ts';
import { userIdList } from '../user-sets/user-id-list.ts';

const predicted = interval.describe('An estimated value with its 90 % interval.');
const bySize = z.record(z.string(), predicted);

/** The request body of an estimate: seeds, negatives, features and filters, as in a campaign, and users to suppress. */
export function estimateBody(config: ServerConfig) {
  return z
    .strictObject({
      features: featuresField(config).default({}),
      seeds: estimateSeedList(
        config,
        'Seeds: user ids, or objects with a user id and a weight, as in a campaign. For a user who may not be in the ' +
          'population, `features` is an object with all features of the user by name, as in an upload of seeds; ' +
          '`user_id` may then be absent.',
      ),
      negatives: userIdList(
        config,
        'Ids of users who are known not to like the campaign, as in `…/negatives`. A user who is also a seed counts as ' +
          'a negative.',
      ).optional(),
      negative_weight: negativeWeightField(config).default(1),
      filters: filtersField(config).default({}),
      category: optionalCategory.default(null),
      suppression: userIdList(
        config,
        'Ids of users who are neither used as seeds nor included in the audience, like users on the global ' +
          'suppression list.',
      ).optional(),
    })
    .meta({
      ...component('EstimateCreate'),
      examples: [
        {
          features: { category: 'shoes' },
          seeds: ['u1', 'u2', { user_id: 'u3', weight: 2.5 }],
          negatives: ['u4'],
          filters: { country: ['DE', 'AT'] },
          suppression: ['u9'],
        },
      ],
    });
}

export const estimate = z
  .object({
    seeds: answerOf<SeedCounts & { readonly suppressed: number | null; readonly contradicting: number }>()(
      {
        description: 'Counts of the seeds: received = known + unknown + duplicate.',
      },
      {
        ...seedCountFields,
        outside,
        suppressed: count
          .nullable()
          .describe(
            'Number of known seeds on a suppression list, which an expansion does not use; `null` until users have been counted.',
          ),
        contradicting: count.describe(
          'Number of known seeds that are also negatives. They count as negatives, not as `suppressed`.',
        ),
      },
    ),
    feature_counts: featureCounts,
    minimum: z.int().describe('Number of seeds, known or with features, that an expansion needs.'),
    enough: z
      .boolean()
      .describe(
        'Whether at least `minimum` of the seeds counted so far are known or have features, and are neither suppressed ' +
          'nor negatives.',
      ),
    excluded,
    candidates: count
      .nullable()
      .describe('Number of users from whom an audience would be selected; `null` until the users have been counted.'),
    cohesion: predicted
      .nullable()
      .describe(
        'How similar the seeds are: the probability that a held-out seed ranks above a random user (0.5 is chance). ' +
          '`null` if cohesion was not estimated, or if too few seeds match the filters (see `expected.reason`).',
      ),
    expected: z
      .object({
        verdict,
        reason: z.string().describe('A sentence that explains the verdict.'),
        recall: bySize.describe(
          'Predicted recall: the fraction of users who like the campaign, seeds excluded, that an audience contains. The ' +
            'keys are audience sizes as fractions of `candidates`. Empty if too few seeds match the filters.',
        ),
        lift: bySize.describe(
          'Predicted lift: the number of users in the audience who like the campaign, relative to a random ' +
            'audience of the same size.',
        ),
        drift: drift.nullable().describe('Drift that the estimate assumes; `null` if it was not estimated.'),
      })
      .nullable()
      .describe('The expected quality of an audience; `null` if it was not estimated (see `reason`).'),
    based_on: z
      .object({
        seeds: z.int().describe('Number of seeds used in the estimate.'),
        fitting_seeds: z
          .int()
          .describe(
            'Number of seeds used in the estimate that are in the population and match the filters. Only these seeds ' +
              'are ranked among the candidates.',
          ),
        candidates: z.int().describe('Number of random candidates used in the estimate.'),
      })
      .nullable()
      .describe('What the estimate used; `null` if `expected` is. An expansion uses more seeds and candidates.'),
    reason: z
      .object({
        code: z
          .enum(['too_few_seeds', 'no_candidates', 'loading', 'busy', 'too_slow', 'failed'])
          .describe('Stable code of the reason.'),
        message: z.string(),
      })
      .nullable()
      .describe('Reason why `expected` is `null`; otherwise `null`.'),
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
          contradicting: 0,
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
            'held-out seeds rank above most candidates: AUC 0.83, between 0.77 and 0.89, from the 71 of 114 seeds ' +
            'that fit the filters',
          recall: { '0.05': { mean: 0.31, low: 0.21, high: 0.41 } },
          lift: { '0.05': { mean: 6.2, low: 4.2, high: 8.2 } },
          drift: { measured: false, campaigns: 0, auc_before: null },
        },
        based_on: { seeds: 114, fitting_seeds: 71, candidates: 3_000 },
        reason: null,
      },
    ],
  });

export type EstimateAnswer = z.input<typeof estimate>;
