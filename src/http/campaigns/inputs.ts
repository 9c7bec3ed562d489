/** Fields of a campaign's inputs other than features and seeds: labels, filters, refresh. */
import { z } from 'zod';
import type { Filters } from '../../domain/features.ts';
import type { RefreshPolicy } from '../../domain/types.ts';
import { addFirstIssues, addIssuesOf, listField, objectField, textFault } from '../plugins/json/bounded-fields.ts';
import type { HttpLimits } from '../plugins/limits.ts';
import type { CampaignLimits } from './limits.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^([1-9]\d{0,5})([mhd])$/;

/** `90m`, `1h`, `7d`: milliseconds. */
function parseDuration(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

function presentDuration(ms: number): string {
  const unit = (['d', 'h', 'm'] as const).find((name) => ms % UNIT_MS[name] === 0) ?? 'm';
  return `${Math.ceil(ms / UNIT_MS[unit])}${unit}`;
}

export function labelsField(config: CampaignLimits & HttpLimits) {
  const { maximumLabels, maximumLabelLength, maximumErrorDetails } = config;
  const wrongText = textFault('a label', 0, maximumLabelLength);
  const wrongKey = textFault('the key of a label', 1, maximumLabelLength);
  return objectField<string>('labels', maximumLabels)
    .superRefine((labels, context) => {
      addFirstIssues(
        context,
        Object.entries(labels),
        (text, key) => wrongKey(key) ?? wrongText(text),
        maximumErrorDetails,
      );
    })
    .meta({
      description: 'Your own texts by key.',
      examples: [{ team: 'growth' }],
      type: 'object',
      maxProperties: maximumLabels,
      propertyNames: { type: 'string', minLength: 1, maxLength: maximumLabelLength },
      additionalProperties: { type: 'string', maxLength: maximumLabelLength },
    });
}

export function filtersField(config: CampaignLimits & HttpLimits) {
  const { maximumFilterFeatures, maximumFilterTokens, maximumFeatureValueLength, maximumErrorDetails } = config;
  const wrongToken = textFault('a token', 1, maximumFeatureValueLength);
  const tokens = listField('tokens', wrongToken, maximumFilterTokens, maximumErrorDetails);
  return objectField<Filters[string]>('filters', maximumFilterFeatures)
    .superRefine((filters, context) => {
      const [lists, ranges] = [true, false].map((isList) =>
        Object.entries(filters).filter(([, filter]) => Array.isArray(filter) === isList),
      );
      addIssuesOf(context, tokens, lists!, maximumErrorDetails);
      addIssuesOf(context, rangeSchema, ranges!, maximumErrorDetails);
    })
    .meta({
      description:
        'Tokens by user feature, or the range of a number (`min`, `max`, both inclusive). Only users with at least ' +
        'one of the tokens, or a number in the range, of each named feature are ranked; seeds need not match. ' +
        'Features and tokens are those of the population (`GET /v1/populations/current`).',
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
            properties: { min: { type: 'number' }, max: { type: 'number' } },
            additionalProperties: false,
            minProperties: 1,
          },
        ],
      },
    });
}

const rangeSchema = z
  .strictObject(
    { min: z.number().optional(), max: z.number().optional() },
    'a list of tokens, or min and max, is expected',
  )
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'min, max or both are expected')
  .refine(({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }) => min <= max, 'min is above max');

/** How an answer shows filters. */
export const filtersSchema = z.record(
  z.string(),
  z.union([z.array(z.string()).readonly(), z.object({ min: z.number().optional(), max: z.number().optional() })]),
);

/** A new policy: whatever is not named is off. */
export function refreshField() {
  const { every, on_new_population, on_change } = refreshChangeField().shape;
  return z
    .strictObject({
      every: every.default(null),
      on_new_population: on_new_population.default(false),
      on_change: on_change.default(false),
    })
    .meta({
      description: 'When to expand automatically.',
      examples: [{ every: '1h', on_new_population: true, on_change: true }],
    });
}

/** A change of a policy: whatever is not named stays. */
export function refreshChangeField() {
  return z
    .strictObject({
      every: z
        .string()
        .regex(DURATION, 'minutes, hours or days are expected, as in 90m, 1h, 7d')
        .nullable()
        .optional()
        .meta({ description: 'Expand again this long after the latest expansion was made.', examples: ['1h'] }),
      on_new_population: z.boolean().optional().meta({
        description: 'Expand again when the service is started with a different population version.',
      }),
      on_change: z
        .boolean()
        .optional()
        .meta({
          description:
            'Expand again, within seconds, when features, filters, seeds or suppression lists (including the ' +
            "installation's) differ from those of the latest expansion: " +
            'needed if opt-outs must leave audiences automatically.',
        }),
    })
    .meta({ description: 'When to expand automatically; whatever is not named stays.', examples: [{ every: '1h' }] });
}

export const refreshSchema = z
  .object({ every: z.string().nullable(), on_new_population: z.boolean(), on_change: z.boolean() })
  .describe('When it is expanded automatically.');

/** The policy after a change; for a new campaign it changes the policy that is off. */
export function toRefreshPolicy(
  { every, on_new_population: onNewPopulation, on_change: onChange }: z.output<ReturnType<typeof refreshChangeField>>,
  before: RefreshPolicy = { everyMs: null, onNewPopulation: false, onChange: false },
): RefreshPolicy {
  const everyMs = typeof every === 'string' ? parseDuration(every) : every;
  return {
    everyMs: everyMs === undefined ? before.everyMs : everyMs,
    onNewPopulation: onNewPopulation ?? before.onNewPopulation,
    onChange: onChange ?? before.onChange,
  };
}

export function presentRefresh({ everyMs, onNewPopulation, onChange }: RefreshPolicy): z.output<typeof refreshSchema> {
  return {
    every: everyMs === null ? null : presentDuration(everyMs),
    on_new_population: onNewPopulation,
    on_change: onChange,
  };
}
