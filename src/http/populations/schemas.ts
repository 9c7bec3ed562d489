/** The shapes of population versions. */
import { z } from 'zod';
import { FEATURE_KINDS } from '../../lib/feature-kinds.ts';
import type { ServerConfig } from '../config.ts';
import { count, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';

export const versionParams = z.object({
  version: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'a version has 12 hexadecimal digits')
    .meta({ description: 'Version of the population.', examples: ['ba9876543210'] }),
});

const EXAMPLE = {
  version: 'ba9876543210',
  served: true,
  newest: true,
  imported_at: '2026-11-25T12:00:00.000Z',
  users: 50_000,
  known_users: 50_120,
  bytes: 14_680_064,
};

export const populationVersionSchema = z
  .object({
    version: z.string(),
    served: z.boolean().describe('Whether new expansions use it.'),
    newest: z
      .boolean()
      .describe('Whether it was published last: the next update builds on it, whichever version is served.'),
    imported_at: time.describe('When its files were written on this machine.'),
    users: count,
    known_users: count.describe('User ids in its directory, those of earlier versions included.'),
    bytes: count.describe('Size of the files that only this version uses.'),
  })
  .meta({
    id: 'PopulationVersion',
    examples: [EXAMPLE],
  });

export const populationVersionsSchema = z.object({ items: z.array(populationVersionSchema) }).meta({
  id: 'PopulationVersions',
  examples: [{ items: [EXAMPLE] }],
});

const featureCoverageSchema = z.object({
  name: z.string(),
  kind: z.enum(FEATURE_KINDS),
  sensitive: z.boolean().describe('Whether explanations compare its groups.'),
  users: count.describe('Users who have a value.'),
  values: count.nullable().describe('Different values that users have; null for numbers and vectors.'),
  unknown_values: count
    .nullable()
    .describe('Those of them that the served model does not know; null also where it does not read the feature.'),
  unknown_share: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('How much of all that users have of it the served model does not know.'),
});

export const populationDetailSchema = z
  .object({ ...populationVersionSchema.shape, features: z.array(featureCoverageSchema) })
  .meta({
    id: 'PopulationDetail',
    examples: [
      {
        ...EXAMPLE,
        features: [
          {
            ...{ name: 'country', kind: 'single' as const, sensitive: false, users: 49_700 },
            ...{ values: 10, unknown_values: 1, unknown_share: 0.002 },
          },
        ],
      },
    ],
  });

export const changesQuery = z.strictObject({
  since: versionParams.shape.version.meta({ description: 'The version to compare with.', examples: ['0123456789ab'] }),
});

export const populationChangesSchema = z
  .object({
    version: z.string(),
    since: z.string(),
    added: count.describe('Users whom `since` does not have.'),
    removed: count.describe('Users whom only `since` has.'),
    kept: count.describe('Users of both.'),
    changed: count.describe('Of those, users with another value in a feature of both.'),
    features: z.array(z.object({ name: z.string(), changed: count })).describe('Features of both versions.'),
    added_features: z.array(z.string()),
    removed_features: z.array(z.string()),
  })
  .meta({
    id: 'PopulationChanges',
    examples: [
      {
        ...{ version: 'ba9876543210', since: '0123456789ab', added: 1_200, removed: 300, kept: 48_800, changed: 950 },
        ...{ features: [{ name: 'country', changed: 950 }], added_features: [], removed_features: [] },
      },
    ],
  });

export function sampleQuery({ maximumSampleSize, defaultSampleSize, maximumFeatureValueLength }: ServerConfig) {
  const text = z.string().min(1).max(maximumFeatureValueLength).optional();
  return z
    .strictObject({
      size: pageLimit(maximumSampleSize, defaultSampleSize).describe('How many users at most.'),
      feature: text.describe('A user feature with values; needs `value`.').meta({ examples: ['country'] }),
      value: text.describe('The value that they have; needs `feature`.').meta({ examples: ['DE'] }),
    })
    .refine(({ feature, value }) => (feature === undefined) === (value === undefined), {
      message: 'feature and value are expected together',
    });
}

export const populationSampleSchema = z.object({ population_version: z.string(), user_ids: z.array(z.string()) }).meta({
  id: 'PopulationSample',
  examples: [{ population_version: 'ba9876543210', user_ids: ['u1', 'u2', 'u3'] }],
});
