/** Response schemas and queries of population versions. */
import { z } from 'zod';
import { splitLabel } from '../../domain/identities.ts';
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { FeatureCoverage, Population } from '../../service/ports/populations.ts';
import type { ServerConfig } from '../config.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, featureKind, sensitive, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { identifierKind } from '../user-sets/identifiers.ts';

export const versionParams = z.object({
  version: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'a version must have 12 hexadecimal digits')
    .meta({ description: 'Version of the population.', examples: ['ba9876543210'] }),
});

/** Response schema of the identifiers of a version. */
export const populationIdentifiers = z
  .array(
    z.object({
      ...identifierKind,
      count: count.describe('Number of identifiers of this type and rule.'),
      users: count.describe('Number of users who have at least one of them.'),
    }),
  )
  .describe(
    'The identifiers of users in this version, by type and rule, as counted when the version was published. Later ' +
      'erasures of users do not lower these counts.',
  );

export function presentIdentifiers(counts: Population['identifierCounts']) {
  return counts.map(({ label, ...one }) => ({ ...splitLabel(label), count: one.count, users: one.users }));
}

export const IDENTIFIERS_EXAMPLE = [{ type: 'email', rule: 'uid2' as const, count: 48_210, users: 47_005 }];

const EXAMPLE = {
  version: 'ba9876543210',
  served: true,
  newest: true,
  imported_at: '2026-11-25T12:00:00.000Z',
  users: 50_000,
  known_users: 50_120,
  bytes: 14_680_064,
};

/** A published version of the population. */
export interface ShownVersion {
  readonly version: string;
  readonly isServed: boolean;
  readonly isNewest: boolean;
  /** Milliseconds since 1970. */
  readonly publishedAt: number;
  readonly users: number;
  readonly knownUsers: number;
  readonly bytes: number;
}

const fields = {
  version: z.string(),
  served: z.boolean().describe('Whether new expansions use this population version.'),
  newest: z
    .boolean()
    .describe(
      'Whether this is the most recently published version. The next update builds on the newest version, even if ' +
        'another version is served.',
    ),
  imported_at: time.describe('Time at which the files of the population version were written on this machine.'),
  users: count,
  known_users: count.describe(
    'Number of user ids in the directory of this version, including ids from earlier versions.',
  ),
  bytes: count.describe('Size of the files that only this version uses.'),
};

const sources = {
  served: ({ isServed }: ShownVersion) => isServed,
  newest: ({ isNewest }: ShownVersion) => isNewest,
  imported_at: ({ publishedAt }: ShownVersion) => publishedAt,
};

export const populationVersion = answerOf<ShownVersion>()(
  { id: 'PopulationVersion', examples: [EXAMPLE] },
  fields,
  sources,
);

export const populationVersions = z
  .object({ items: z.array(populationVersion) })
  .meta({ id: 'PopulationVersions', examples: [{ items: [EXAMPLE] }] });

/** A feature of a population version, with the number of users who have a value. */
export interface ShownCoverage extends FeatureCoverage {
  readonly kind: FeatureKind;
  readonly sensitive: boolean;
}

const coverage = answerOf<ShownCoverage>()(
  {},
  {
    name: z.string(),
    kind: featureKind,
    sensitive,
    users: count.describe('Number of users who have a value.'),
    values: count.nullable().describe('Number of distinct values that users have; `null` for numbers and vectors.'),
    unknown_values: count
      .nullable()
      .describe(
        'Number of values of the feature that the served model does not know; `null` if the model does not ' +
          'read the feature.',
      ),
    unknown_share: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe(
        "Share of this feature's values, counted over all users, that the served model does not know; `null` if the " +
          'model does not read the feature.',
      ),
  },
);

interface ShownDetail extends ShownVersion {
  readonly identifiers: ReturnType<typeof presentIdentifiers>;
  readonly features: ShownCoverage[];
}

export const populationDetail = answerOf<ShownDetail>()(
  {
    id: 'PopulationDetail',
    examples: [
      {
        ...EXAMPLE,
        identifiers: IDENTIFIERS_EXAMPLE,
        features: [
          {
            ...{ name: 'country', kind: 'single' as const, sensitive: false, users: 49_700 },
            ...{ values: 10, unknown_values: 1, unknown_share: 0.002 },
          },
        ],
      },
    ],
  },
  { ...fields, identifiers: populationIdentifiers, features: z.array(coverage) },
  sources,
);

export const changesQuery = z.strictObject({
  since: versionParams.shape.version.meta({
    description: 'The population version to compare with.',
    examples: ['0123456789ab'],
  }),
});

export const populationChanges = z
  .object({
    version: z.string(),
    since: z.string().describe('The population version that `version` is compared with.'),
    added: count.describe('Number of users in `version` who are not in `since`.'),
    removed: count.describe('Number of users in `since` who are not in `version`.'),
    kept: count.describe('Number of users in both versions.'),
    changed: count.describe(
      'Number of users in both versions whose values differ in at least one feature that both versions have.',
    ),
    features: z
      .array(z.object({ name: z.string(), changed: count.describe('Number of users whose value changed.') }))
      .describe('Features that both versions have.'),
    added_features: z.array(z.string()).describe('Names of the features that only `version` has.'),
    removed_features: z.array(z.string()).describe('Names of the features that only `since` has.'),
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
      size: pageLimit(maximumSampleSize, defaultSampleSize).describe('Maximum number of users.'),
      feature: text.describe('A user feature with tokens; requires `value`.').meta({ examples: ['country'] }),
      value: text.describe('A value that the returned users have; requires `feature`.').meta({ examples: ['DE'] }),
    })
    .refine(({ feature, value }) => (feature === undefined) === (value === undefined), {
      message: 'feature and value must be given together',
    });
}

export const populationSample = z
  .object({ population_version: z.string(), user_ids: z.array(z.string()).describe('The users of the sample.') })
  .meta({
    id: 'PopulationSample',
    examples: [{ population_version: 'ba9876543210', user_ids: ['u1', 'u2', 'u3'] }],
  });
