/** The shapes of explanations. */

import { z } from 'zod';
import { FEATURE_KINDS } from '../../lib/feature-kinds.ts';
import type { ServerConfig } from '../config.ts';
import { count } from '../http/fields.ts';
import { pageLimit, versionNumber } from '../http/query-numbers.ts';

const part = z.object({ count, share: z.number().min(0).max(1) });

const groupRate = z.object({
  token: z.string(),
  population: count.describe('Users of the group in the population.'),
  audience: count.describe('Those who are in the audience.'),
  rate: z.number().min(0).max(1).describe('audience / population.'),
});

const disparity = z
  .object({
    ratio: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('The lowest selection rate over the highest: 1 = all alike. null where no group has a member.'),
    lowest: groupRate,
    highest: groupRate,
    groups: count.describe('Groups that are large enough to be compared.'),
    warning: z
      .boolean()
      .describe('Whether the ratio is below the configured limit (80 per cent: the four-fifths rule).'),
  })
  .describe('Of a sensitive feature with at least two groups that are large enough.');

const token = z.object({
  token: z.string().nullable().describe('null: users without a value.'),
  audience: part,
  population: part,
  seeds: part.describe('Of the seeds that the population has.').nullable(),
  lift: z
    .object({ estimate: z.number(), low: z.number(), high: z.number() })
    .describe("The audience's share over the population's, with its 95 % interval (each token for itself)."),
  z: z
    .number()
    .describe('Evidence: standard deviations from a random audience; positive = over-represented, negative = under-.'),
});

export const explanationSchema = z
  .object({
    version: z.int().min(1).describe('Audience version.'),
    population_version: z.string().describe('The one that the audience was made with.'),
    population: z.object({ count }),
    audience: z.object({ count }),
    seeds: z.object({ count }).nullable(),
    features: z.array(
      z.object({
        feature: z.string(),
        kind: z.enum(FEATURE_KINDS),
        sensitive: z.boolean(),
        token_count: count.describe(
          'Different tokens (of a number: bands) of the population, also where fewer are listed.',
        ),
        numbers: z
          .object({
            audience_mean: z.number().nullable().describe('null of a vector.'),
            population_mean: z.number().nullable().describe('null of a vector.'),
            shift: z
              .number()
              .nullable()
              .describe(
                'Difference of the means in standard deviations of the population; of a vector the root mean square over its numbers.',
              ),
          })
          .nullable()
          .describe('Of a number or a vector; users without a value are left out.'),
        tokens: z.array(token).describe('Most evidence first.'),
        disparity: disparity.nullable(),
      }),
    ),
    warnings: z
      .array(z.object({ code: z.literal('disparity'), feature: z.string(), message: z.string() }))
      .describe('Sensitive features whose groups the audience takes at rates that differ too much.'),
  })
  .meta({
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
  });

export function explanationQuery(config: ServerConfig) {
  return z.strictObject({
    version: versionNumber().optional(),
    limit: pageLimit(config.maximumExplanationTokens, config.defaultExplanationTokens).describe(
      'Tokens of each feature.',
    ),
  });
}
