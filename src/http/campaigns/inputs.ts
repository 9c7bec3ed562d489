/** Schemas of a campaign's inputs: features, seeds, labels, filters, size of the audience and refresh policy. */
import { z } from 'zod';
import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import { MAXIMUM_HOLDOUT_PERCENT } from '../../domain/hold-out.ts';
import type { RefreshPolicy } from '../../domain/types.ts';
import { SPECIAL_CATEGORIES } from '../../lib/special-categories.ts';
import type { ServerConfig } from '../config.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { addFirstIssues, addIssuesOf, listField, objectField, textFault } from '../plugins/json/bounded-fields.ts';
import { share } from '../plugins/json/fields.ts';
import type { Wrong } from '../plugins/json/validation.ts';
import type { HttpLimits } from '../plugins/limits.ts';
import { seedList } from '../user-sets/seed-weights.ts';
import type { CampaignLimits } from './limits.ts';

type InputLimits = CampaignLimits & HttpLimits;

export function seedsField(config: ServerConfig) {
  const description =
    'Seeds: user ids, or objects with a user id and a weight. A seed without weight has weight 1, and only the ratios ' +
    `of the weights matter. With fewer than ${config.minimumSeeds} known seeds, a campaign is accepted, but ` +
    'its expansion ends in the state `too_small`.';
  return seedList(config, description);
}

export function featuresField(config: InputLimits) {
  const { maximumCampaignFeatures, maximumFeatureValues, maximumFeatureValueLength, maximumErrorDetails } = config;
  const wrongText = textFault('a value', 0, maximumFeatureValueLength);
  const wrongValue = (value: unknown): Wrong | null => {
    if (typeof value === 'number') return null;
    if (!Array.isArray(value))
      return typeof value === 'string'
        ? wrongText(value)
        : { message: 'a string, a number or a list of them is expected' };
    if (value.length > maximumFeatureValues) {
      return { message: `a feature has at most ${maximumFeatureValues} values`, limit: maximumFeatureValues };
    }
    if (value.every((item) => typeof item === 'number')) return null;
    return value.map(wrongText).find((problem) => problem !== null) ?? null;
  };
  return objectField<CampaignFeatures[string]>('features', maximumCampaignFeatures)
    .superRefine((features, context) => {
      addFirstIssues(context, Object.entries(features), wrongValue, maximumErrorDetails);
    })
    .meta({
      description:
        "The model's campaign features by name: a string, a list of strings for a multi-valued feature, a number, or " +
        'a list of numbers for a vector.',
      type: 'object',
      additionalProperties: {
        anyOf: [
          { type: 'string' },
          { type: 'number' },
          { type: 'array', items: { type: 'string' }, maxItems: maximumFeatureValues },
          { type: 'array', items: { type: 'number' }, maxItems: maximumFeatureValues },
        ],
      },
    });
}

export function labelsField(config: InputLimits) {
  const { maximumLabels, maximumLabelLength, maximumErrorDetails } = config;
  const wrongText = textFault('a label', 0, maximumLabelLength);
  const wrongKey = textFault('the key of a label', 1, maximumLabelLength);
  return objectField<string>('labels', maximumLabels)
    .superRefine((labels, context) => {
      const wrongWith = (text: string, key: string) => wrongKey(key) ?? wrongText(text);
      addFirstIssues(context, Object.entries(labels), wrongWith, maximumErrorDetails);
    })
    .meta({
      description: 'Your own labels for the campaign: a string for each key.',
      examples: [{ team: 'growth' }],
      type: 'object',
      maxProperties: maximumLabels,
      propertyNames: { type: 'string', minLength: 1, maxLength: maximumLabelLength },
      additionalProperties: { type: 'string', maxLength: maximumLabelLength },
    });
}

const rangeBounds = {
  min: z.number().optional().describe('Smallest number that matches; none by default.'),
  max: z.number().optional().describe('Largest number that matches; none by default.'),
};

/** The response schema of filters. */
export const filters = z
  .record(z.string(), z.union([z.array(z.string()).readonly(), z.object(rangeBounds)]))
  .describe(
    'Conditions that users must match to be ranked, by user feature: a list of tokens, or the range of a number.',
  );

export function filtersField(config: InputLimits) {
  const { maximumFilterFeatures, maximumFilterTokens, maximumFeatureValueLength, maximumErrorDetails } = config;
  const wrongToken = textFault('a token', 1, maximumFeatureValueLength);
  const tokens = listField('tokens', wrongToken, maximumFilterTokens, maximumErrorDetails);
  return objectField<Filters[string]>('filters', maximumFilterFeatures)
    .superRefine((given, context) => {
      const [lists, ranges] = [true, false].map((isList) =>
        Object.entries(given).filter(([, filter]) => Array.isArray(filter) === isList),
      );
      addIssuesOf(context, tokens, lists!, maximumErrorDetails);
      addIssuesOf(context, range, ranges!, maximumErrorDetails);
    })
    .meta({
      description:
        'One condition per user feature: a list of tokens, or the range of a number (`min`, `max`, both inclusive). ' +
        'A user matches a condition by having at least one of the tokens, or a number in the range. Only users who ' +
        'match all conditions are ranked. Seeds need not match. The features and tokens must be in the population ' +
        '(`GET /v1/populations/current`).',
      examples: [{ country: ['DE', 'AT'], age: { min: 18, max: 35 } }],
      type: 'object',
      maxProperties: maximumFilterFeatures,
      propertyNames: { type: 'string', minLength: 1 },
      additionalProperties: {
        anyOf: [
          {
            type: 'array',
            minItems: 1,
            maxItems: maximumFilterTokens,
            items: { type: 'string', minLength: 1, maxLength: maximumFeatureValueLength },
          },
          {
            type: 'object',
            properties: {
              min: { type: 'number', description: rangeBounds.min.description },
              max: { type: 'number', description: rangeBounds.max.description },
            },
            additionalProperties: false,
            minProperties: 1,
          },
        ],
      },
    });
}

const range = z
  .strictObject(rangeBounds, 'a list of tokens, or min and max, is expected')
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'min, max or both are expected')
  .refine(
    ({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }) => min <= max,
    'min must not be above max',
  );

const requestedSize = z
  .int()
  .min(1)
  .describe('Number of users in the audience. If there are fewer candidates, all of them are selected.');

/** The response schema of the requested audience size. */
export const audienceRequest = z
  .union([z.object({ size: requestedSize }), z.object({ percent: share })])
  .describe('The requested size of the audience.');

export function audienceField() {
  return z
    .union(
      [z.strictObject({ size: requestedSize }), z.strictObject({ percent: share })],
      'either size or percent is expected',
    )
    .meta({ description: 'Size of the audience: either `size` or `percent`.', examples: [{ size: 1000 }] });
}

export function negativeWeightField({ maximumNegativeWeight: maximum }: InputLimits) {
  return z
    .number()
    .min(1 / maximum)
    .max(maximum)
    .describe(
      'Weight of an explicit negative (a user in `…/negatives` or who dismissed the campaign) in the adaptation, ' +
        'compared with a sampled negative.',
    );
}

const CATEGORY =
  'The special category of the campaign. The audience is computed without the user features and the past campaigns ' +
  'that the population labels for this category';

export const category = z.enum(SPECIAL_CATEGORIES).describe(`${CATEGORY}.`);

export const optionalCategory = z.enum(SPECIAL_CATEGORIES).nullable().describe(`${CATEGORY}; \`null\` for none.`);

export const fourFifths = z
  .string()
  .min(1)
  .nullable()
  .describe(
    'A single-valued user feature, such as gender; `null` for none. The ranking is changed so that in every audience, and in every ' +
      'cut that begins at the first rank, no group of this feature is selected at less than 80 % of the rate of ' +
      'another group; within a group, the order stays the same. Scores then only reflect this order. ' +
      '`quality.four_fifths` shows the price.',
  );

export function holdoutField() {
  return z
    .number()
    .min(0)
    .max(MAXIMUM_HOLDOUT_PERCENT)
    .meta({
      description:
        'Percentage of the audience that is held out, to measure the effect of the campaign (`GET …/lift`); 0 for ' +
        'none. Users are drawn at random with a secret key of the campaign and stay held out in later versions and ' +
        'other sizes. They are omitted from pages, exports and differences, and look-ups report them as non-members.',
      examples: [10],
    });
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^([1-9]\d{0,5})([mhd])$/;

/** The number of milliseconds in a duration such as `90m`, `1h` or `7d`. */
function parseDuration(text: string): number {
  const [, number, unit] = DURATION.exec(text) ?? [];
  return Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

function showDuration(ms: number): string {
  const unit = (['d', 'h', 'm'] as const).find((name) => ms % UNIT_MS[name] === 0) ?? 'm';
  return `${Math.ceil(ms / UNIT_MS[unit])}${unit}`;
}

const TRIGGERS = {
  every: 'Time from the creation of an expansion to the creation of the next expansion; `null` for no interval.',
  onNewPopulation: 'Whether to expand the campaign again when another population version is served.',
  onChange:
    'Whether to expand the campaign again within seconds of a change to its features, filters, seeds, negatives or ' +
    'suppression lists (including the global list). Needed if users who opt out must leave audiences automatically.',
};

/** The response schema of a refresh policy. */
export const refresh = answerOf<RefreshPolicy>()(
  { description: 'Triggers of automatic expansions of the campaign.' },
  {
    every: z.string().nullable().describe(TRIGGERS.every),
    on_new_population: z.boolean().describe(TRIGGERS.onNewPopulation),
    on_change: z.boolean().describe(TRIGGERS.onChange),
  },
  { every: ({ everyMs }) => (everyMs === null ? null : showDuration(everyMs)) },
);

/** Fields that change a refresh policy. Fields that are not given stay as they are. */
export function refreshChangeField() {
  return z
    .strictObject({
      every: z
        .string()
        .regex(DURATION, 'a time in minutes, hours or days is expected, such as 90m, 1h or 7d')
        .nullable()
        .optional()
        .meta({
          description: TRIGGERS.every,
          examples: ['1h'],
        }),
      on_new_population: z.boolean().optional().describe(TRIGGERS.onNewPopulation),
      on_change: z.boolean().optional().describe(TRIGGERS.onChange),
    })
    .meta({
      description: 'Triggers of automatic expansions. Fields that are not given stay as they are.',
      examples: [{ every: '1h' }],
    });
}

/** Fields of a new refresh policy. Triggers that are not given are off. */
export function refreshField() {
  const { every, on_new_population, on_change } = refreshChangeField().shape;
  return z
    .strictObject({
      every: every.default(null),
      on_new_population: on_new_population.default(false),
      on_change: on_change.default(false),
    })
    .meta({
      description: 'Triggers of automatic expansions.',
      examples: [{ every: '1h', on_new_population: true, on_change: true }],
    });
}

type RefreshInput = z.output<ReturnType<typeof refreshChangeField>>;

/** Returns the refresh policy of a new campaign. Triggers that are not named are off. */
export function toRefreshPolicy(input: RefreshInput): RefreshPolicy {
  return { everyMs: null, onNewPopulation: false, onChange: false, ...toRefreshChange(input) };
}

/** Returns the named parts of a refresh policy. */
export function toRefreshChange({
  every,
  on_new_population: onNewPopulation,
  on_change: onChange,
}: RefreshInput): Partial<RefreshPolicy> {
  return {
    ...(every !== undefined && { everyMs: typeof every === 'string' ? parseDuration(every) : every }),
    ...(onNewPopulation !== undefined && { onNewPopulation }),
    ...(onChange !== undefined && { onChange }),
  };
}
