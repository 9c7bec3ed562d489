/** Weights of seeds: their limits, in every format of an upload, and lists of weighted seeds in JSON. */
import type { ServerConfig } from '../config.ts';
import { listField } from '../plugins/json/bounded-fields.ts';
import { wrongId } from '../plugins/json/fields.ts';
import type { Wrong } from '../plugins/json/validation.ts';

/** A seed in JSON: a user id, which has weight 1, or a user id with a weight. */
export type SeedItem = string | { readonly user_id: string; readonly weight?: number };

/** A weight in CSV. An empty field is no weight. */
const DECIMAL = /^\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Returns why a weight is refused, or null. Weights are numbers from `1 / maximum` to `maximum`. */
export function wrongWeight(weight: unknown, maximum: number): Wrong | null {
  if (typeof weight !== 'number' || !Number.isFinite(weight)) return { message: 'a weight must be a number' };
  if (weight <= 0) return { message: 'a weight must be above 0' };
  if (weight > maximum) return { message: `a weight must be at most ${maximum}`, limit: maximum };
  return weight < 1 / maximum ? { message: `a weight must be at least ${1 / maximum}`, limit: 1 / maximum } : null;
}

/** The weight in a field of CSV: 1 if the field is empty, and NaN if it is not a number. */
export function parseWeight(field: string): number {
  if (field === '') return 1;
  return DECIMAL.test(field) || /^-\d/.test(field) ? Number(field) : Number.NaN;
}

/** A list of seeds in JSON, some of which may have weights. */
export function seedList(config: ServerConfig, description: string) {
  const { maximumUserIdBytes, maximumSeedWeight, maximumInlineSeeds, maximumErrorDetails } = config;
  const wrong = (item: unknown): Wrong | null => {
    if (typeof item !== 'object' || item === null) return wrongId('a user id', item, maximumUserIdBytes);
    const { user_id: userId, weight = 1, ...others } = item as Readonly<Record<string, unknown>>;
    if (Object.keys(others).length > 0)
      return { message: 'a seed in JSON has the fields user_id and weight; features are sent as NDJSON' };
    return wrongId('a user id', userId, maximumUserIdBytes) ?? wrongWeight(weight, maximumSeedWeight);
  };
  const userId = { type: 'string', minLength: 1, maxLength: maximumUserIdBytes } as const;
  const weight = { type: 'number', minimum: 1 / maximumSeedWeight, maximum: maximumSeedWeight } as const;
  return listField<SeedItem>('user ids', wrong, maximumInlineSeeds, maximumErrorDetails).meta({
    description,
    type: 'array',
    minItems: 1,
    maxItems: maximumInlineSeeds,
    items: {
      anyOf: [
        userId,
        {
          type: 'object',
          properties: { user_id: userId, weight },
          required: ['user_id'],
          additionalProperties: false,
        },
      ],
    },
  });
}

/** The user ids of a list, in its order, and the weights other than 1. The last weight of a repeated id counts. */
export function splitSeeds(items: readonly SeedItem[]): {
  readonly seeds: readonly string[];
  readonly seedWeights: ReadonlyMap<string, number>;
} {
  const seedWeights = new Map<string, number>();
  const seeds = items.map((item) => {
    const { user_id: userId, weight = 1 } = typeof item === 'string' ? { user_id: item } : item;
    if (weight === 1) seedWeights.delete(userId);
    else seedWeights.set(userId, weight);
    return userId;
  });
  return { seeds, seedWeights };
}
