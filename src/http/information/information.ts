/** Response schemas of the service's limits, served model and served population. */
import { z } from 'zod';
import { category } from '../campaigns/inputs.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { nextCursor } from '../plugins/json/answer.ts';
import { count, featureKind, interval, sensitive, time, timeText } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { pageCursor } from '../plugins/paging.ts';
import { IDENTIFIERS_EXAMPLE, populationIdentifiers } from '../populations/population.ts';

const measured = interval.describe('A mean with its 95 % interval.');
/** The keys are audience sizes. */
const measuredByShare = z.record(z.string(), measured);
const valuesUrl = z.string().meta({ format: 'uri-reference' }).describe('URL of the list of known values.');

export const limits = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        value: z.number().describe('The value in force. The name or the description says its unit.'),
        variable: z
          .string()
          .nullable()
          .describe('The environment variable of `metaheac serve` that sets the limit; `null` if the limit is fixed.'),
        description: z.string().describe('What is limited.'),
      }),
    ),
  })
  .meta({
    id: 'Limits',
    examples: [
      {
        items: [
          {
            name: 'maximum_inline_seeds',
            value: 100_000,
            variable: 'METAHEAC_MAXIMUM_INLINE_SEEDS',
            description: 'Maximum number of seeds in one JSON body.',
          },
        ],
      },
    ],
  });

export const currentModel = z
  .object({
    name: z.string(),
    version: z.string(),
    created_at: timeText,
    minimum_seeds: count.describe('Number of known seeds that an expansion needs.'),
    features: z
      .array(
        z.object({
          name: z.string(),
          kind: featureKind,
          max_length: count
            .nullable()
            .describe(
              'Maximum number of values that the model reads from a list. Further values are ignored. `null` ' +
                'for a single-valued feature.',
            ),
          known_values: count.describe('Number of values that the model knows. Other values count as unknown.'),
          values: valuesUrl,
        }),
      )
      .describe("The features that a campaign's `features` may contain."),
    adaptation: z.object({
      optimiser: z.string().describe('`adam` or `gradient_descent`.'),
      negatives_per_seed: z.number().describe('Number of users sampled as negatives per seed.'),
      summary: z.string().describe('A sentence that describes how the model is adapted to a campaign.'),
    }),
    evaluation: z
      .object({
        data: z.string().describe('Name of the data set.'),
        campaigns: z.string().describe('The campaigns on which the model was measured.'),
        groups: z.record(
          z.string(),
          z.object({
            campaigns: count.describe('Number of campaigns in the group.'),
            auc: measured,
            precision: measuredByShare.describe('Share of the audience that are members of the campaign.'),
            recall: measuredByShare.describe('Share of the members of the campaign that the audience contains.'),
            lift: measuredByShare.describe('Members in the audience, relative to a random audience of the same size.'),
          }),
        ),
      })
      .nullable()
      .describe(
        'Quality of the model on campaigns that it was not trained on, by group; `null` if the quality was not ' +
          'measured.',
      ),
  })
  .meta({
    id: 'CurrentModel',
    examples: [
      {
        name: 'demo',
        version: '0123456789ab',
        created_at: '2026-11-25T12:00:00.000Z',
        minimum_seeds: 10,
        features: [
          {
            name: 'category',
            kind: 'single',
            max_length: null,
            known_values: 20,
            values: '/v1/models/current/features/category/values',
          },
        ],
        adaptation: {
          optimiser: 'gradient_descent',
          negatives_per_seed: 10,
          summary: 'gradient descent on 3 parameters, 20 steps at 50 seeds',
        },
        evaluation: null,
      },
    ],
  });

export const currentPopulation = z
  .object({
    version: z.string(),
    users: count,
    labelled_categories: z
      .array(category)
      .describe('The categories for which the population labels features or past campaigns.'),
    imported_at: time.describe('Time at which the files of the population version were written on this machine.'),
    identifiers: populationIdentifiers,
    features: z.array(
      z.object({
        name: z.string(),
        kind: featureKind,
        sensitive,
        excluded_for: z.array(category).readonly().describe('The categories whose campaigns do not use the feature.'),
        known_values: count.describe('Number of distinct values of the feature that were ever imported.'),
        values: valuesUrl,
      }),
    ),
  })
  .meta({
    id: 'CurrentPopulation',
    examples: [
      {
        version: 'ba9876543210',
        users: 50_000,
        labelled_categories: ['housing'],
        imported_at: '2026-11-25T12:00:00.000Z',
        identifiers: IDENTIFIERS_EXAMPLE,
        features: [
          {
            name: 'country',
            kind: 'single',
            sensitive: false,
            excluded_for: ['housing'],
            known_values: 10,
            values: '/v1/populations/current/features/country/values',
          },
        ],
      },
    ],
  });

export const valuePage = z.object({ items: z.array(z.string()), next_cursor: nextCursor }).meta({
  id: 'ValuePage',
  description: 'A page of known values. A page of search results may be short or empty even if another page follows.',
  examples: [{ items: ['shoes', 'hats'], next_cursor: null }],
});

/** A page of values of a user feature, with the number of users who have each value. */
export const countedValuePage = z
  .object({
    items: z.array(
      z.object({
        value: z.string().describe('A value of the feature.'),
        users: count.describe('Number of users in the served version who have the value.'),
      }),
    ),
    next_cursor: nextCursor,
  })
  .meta({
    id: 'CountedValuePage',
    description: 'A page of known values. A page of search results may be short or empty even if another page follows.',
    examples: [{ items: [{ value: 'Berlin', users: 4711 }], next_cursor: null }],
  });

export const featureParams = z.strictObject({
  name: z
    .string()
    .min(1)
    .meta({ ...component('FeatureName'), description: 'Name of a feature.', examples: ['category'] }),
});

export function valueQuery({ maximumValuePageSize, defaultValuePageSize, maximumFeatureValueLength }: ServerConfig) {
  const text = z.string().max(maximumFeatureValueLength).optional();
  return z.strictObject({
    prefix: text
      .describe('Lists only values that begin with this text; case-sensitive.')
      .meta(component('ValuePrefix')),
    search: text.describe('Lists only values that contain this text, ignoring case.').meta(component('ValueSearch')),
    limit: pageLimit(maximumValuePageSize, defaultValuePageSize).meta(component('ValuePageLimit')),
    cursor: pageCursor,
  });
}
