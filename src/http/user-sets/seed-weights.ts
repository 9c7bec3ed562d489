/** Weights of seeds: their limits in all upload formats, and the JSON schema of weighted seeds. */
import type { ServerConfig } from '../config.ts';
import { listField } from '../plugins/json/bounded-fields.ts';
import { wrongId } from '../plugins/json/fields.ts';
import type { Wrong } from '../plugins/json/validation.ts';

/** A seed in JSON: a user id (weight 1), or an object with a user id and a weight. */
export type SeedItem = string | { readonly user_id: string; readonly weight?: number };

/** A seed of an estimate in JSON. A seed with features may be outside the population, and need not have an id. */
export type EstimateSeed =
  | string
  | { readonly user_id?: string; readonly weight?: number; readonly features?: JsonObject | null };

type JsonObject = Readonly<Record<string, unknown>>;

/** A weight in CSV; the field may also be empty. */
const DECIMAL = /^\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Returns why a weight is refused, or null if it is valid. Weights range from `1 / maximum` to `maximum`. */
export function wrongWeight(weight: unknown, maximum: number): Wrong | null {
  if (typeof weight !== 'number' || !Number.isFinite(weight)) return { message: 'a weight must be a number' };
  if (weight <= 0) return { message: 'a weight must be above 0' };
  if (weight > maximum) return { message: `a weight must be at most ${maximum}`, limit: maximum };
  return weight < 1 / maximum ? { message: `a weight must be at least ${1 / maximum}`, limit: 1 / maximum } : null;
}

/** Parses a weight in CSV: undefined if the field is empty, NaN if it is not a number. */
export function parseWeight(field: string): number | undefined {
  if (field === '') return undefined;
  return DECIMAL.test(field) || /^-\d/.test(field) ? Number(field) : Number.NaN;
}

/** Schema of a list of seeds in JSON, with or without weights. */
export function seedList(config: ServerConfig, description: string) {
  const fields = 'a seed in JSON has the fields user_id and weight; features are sent as NDJSON';
  return entryList<SeedItem>(config, description, weightOf(config, fields));
}

/** Schema of a list of seeds in JSON that may have features. The caller checks the features. */
export function estimateSeedList(config: ServerConfig, description: string) {
  const field = weightOf(config, 'a seed has the fields user_id, weight and features');
  return entryList<EstimateSeed>(config, description, { ...field, hasFeatures: true });
}

function weightOf({ maximumSeedWeight: maximum }: ServerConfig, fields: string): ListedField {
  return {
    fields,
    name: 'weight',
    wrong: (weight) => wrongWeight(weight, maximum),
    schema: {
      ...{ type: 'number', minimum: 1 / maximum, maximum },
      description: 'How much the seed counts compared with other seeds; 1 by default.',
    },
  };
}

/** An extra field of users in a list. */
interface ListedField {
  /** The error message for other fields. */
  readonly fields: string;
  readonly name: string;
  readonly wrong: (value: unknown) => Wrong | null;
  readonly schema: Readonly<Record<string, unknown>>;
  /** Whether users may have features; a user with features may omit the id. */
  readonly hasFeatures?: boolean;
}

/** Schema of a list whose items are user ids, or objects with a user id and an extra field. */
export function entryList<Item>(
  config: ServerConfig,
  description: string,
  { name, hasFeatures = false, ...field }: ListedField,
) {
  const { maximumUserIdBytes, maximumInlineSeeds, maximumErrorDetails } = config;
  const wrong = (item: unknown): Wrong | null => {
    if (typeof item !== 'object' || item === null) return wrongId('a user id', item, maximumUserIdBytes);
    const { user_id: userId, [name]: value, ...others } = item as JsonObject;
    const { features = null, ...unknown } = others;
    if (Object.keys(hasFeatures ? unknown : others).length > 0) return { message: field.fields };
    const isNameless = features !== null && userId === undefined;
    const wrongUser = isNameless ? null : wrongId('a user id', userId, maximumUserIdBytes);
    return wrongUser ?? (value === undefined ? null : field.wrong(value));
  };
  const userId = { type: 'string', minLength: 1, maxLength: maximumUserIdBytes } as const;
  const features = {
    ...{ type: ['object', 'null'], additionalProperties: {} },
    description: 'User features by name, for a user who may be outside the population; `null` for none.',
  };
  const properties = { user_id: userId, [name]: field.schema, ...(hasFeatures && { features }) };
  const objectWith = (required: string) =>
    ({ type: 'object', properties, required: [required], additionalProperties: false }) as const;
  return listField<Item>('user ids', wrong, maximumInlineSeeds, maximumErrorDetails).meta({
    description,
    type: 'array',
    minItems: 1,
    maxItems: maximumInlineSeeds,
    items: {
      anyOf: [userId, objectWith('user_id'), ...(hasFeatures ? [objectWith('features')] : [])],
    },
  });
}

/**
 * Returns the user ids of a list, in its order, and the weights other than 1. If an id is repeated, its last weight
 * counts.
 */
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
