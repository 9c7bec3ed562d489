/** Fields of a campaign's inputs beside features and seeds: labels, filters, refresh; and the look whether filters can let anybody pass. */
import { z } from 'zod';
import type { Filters, RefreshPolicy } from '../campaigns/types.ts';
import { AppError, type ErrorDetail } from '../lib/errors.ts';
import type { Population } from '../population/population.ts';
import type { ServerConfig } from './config.ts';

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

export function labelsField(config: ServerConfig) {
  const { maximumLabels, maximumLabelLength } = config;
  return z
    .record(z.string().min(1).max(maximumLabelLength), z.string().max(maximumLabelLength))
    .refine((labels) => Object.keys(labels).length <= maximumLabels, `at most ${maximumLabels} labels`)
    .meta({ description: 'Text of your own by key.', examples: [{ team: 'growth' }] });
}

export function filtersField(config: ServerConfig) {
  const { maximumFilterTokens, maximumFeatureValueLength } = config;
  const tokens = z.array(z.string().min(1).max(maximumFeatureValueLength)).min(1).max(maximumFilterTokens);
  return z.record(z.string().min(1), tokens).meta({
    description:
      'Tokens by user feature. Only users who have one of the tokens of every feature named are ranked; seeds need not. ' +
      'Features and tokens are those of the population (`GET /v1/populations/current`).',
    examples: [{ country: ['DE', 'AT'] }],
  });
}

export function refreshField() {
  return z
    .strictObject({
      every: z
        .string()
        .regex(DURATION, 'minutes, hours or days are expected, as in 90m, 1h, 7d')
        .nullable()
        .default(null)
        .meta({ description: 'Expand again so long after the latest expansion was made.', examples: ['1h'] }),
      on_new_population: z.boolean().default(false).meta({
        description: 'Expand again when the service is started with another population version.',
      }),
      on_change: z
        .boolean()
        .default(false)
        .meta({
          description:
            "Expand again, within seconds, when features, filters, seeds or suppression lists (the installation's too) are others than those of the latest expansion: " +
            'what opt-outs that must go from audiences by themselves need.',
        }),
    })
    .meta({
      description: 'When to expand again by itself.',
      examples: [{ every: '1h', on_new_population: true, on_change: true }],
    });
}

export const refreshSchema = z
  .object({ every: z.string().nullable(), on_new_population: z.boolean(), on_change: z.boolean() })
  .describe('When it is expanded again by itself.');

export function toRefreshPolicy({
  every,
  on_new_population: onNewPopulation,
  on_change: onChange,
}: z.output<ReturnType<typeof refreshField>>): RefreshPolicy {
  return { everyMs: every === null ? null : parseDuration(every), onNewPopulation, onChange };
}

export function presentRefresh({ everyMs, onNewPopulation, onChange }: RefreshPolicy): z.output<typeof refreshSchema> {
  return {
    every: everyMs === null ? null : presentDuration(everyMs),
    on_new_population: onNewPopulation,
    on_change: onChange,
  };
}

/** Refuses features and tokens that the population does not have: they would let nobody pass. @throws AppError unknown_filter (facts: known_features) */
export function refuseUnknownFilters(population: Pick<Population, 'features' | 'dictionary'>, filters: Filters): void {
  const known = population.features.map(({ name }) => name);
  const details: ErrorDetail[] = [];
  for (const [feature, tokens] of Object.entries(filters)) {
    const pointer = `/filters/${feature.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!known.includes(feature)) {
      details.push({ pointer, value: feature, message: 'the population has no such feature' });
      continue;
    }
    const dictionary = population.dictionary(feature);
    for (const [i, token] of tokens.entries())
      if (dictionary.find(token) === 0)
        details.push({ pointer: `${pointer}/${i}`, value: token, message: 'no user ever had this token' });
  }
  if (details.length === 0) return;
  const message = `a filter names what the population does not have: ${details[0]!.pointer}`;
  throw new AppError('unknown_filter', message, { details, facts: { known_features: known } });
}
