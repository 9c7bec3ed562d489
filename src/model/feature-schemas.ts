/** The fields of a feature in a manifest, by kind. A kind without a row is a compile error. */
import { z } from 'zod';
import type { FeatureKind } from '../lib/feature-kinds.ts';

/** The maximum number of tokens that a model reads from a list. */
export const MAXIMUM_LIST_LENGTH = 4096;

export const featureName = z.string().min(1).max(128);
/** Number of tokens to which a list is cut. */
export const maximumLength = z.number().int().min(1).max(MAXIMUM_LIST_LENGTH);
/** Number of elements of a vector. */
export const vectorSize = z.number().int().min(1).max(MAXIMUM_LIST_LENGTH);
/**
 * The value that stands for a missing number in the model's input. null means NaN, for a model that handles NaN itself.
 */
export const missingValue = z.number().nullable();
/**
 * The handling of unknown tokens in a list. `drop` (the default) removes them and closes the gap. `keep` replaces them
 * with id 0, for lists that are parallel to another list.
 */
export const unknownTokens = z.enum(['drop', 'keep']);
/** Number of ids: the tokens and id 0. */
const vocabularySize = z.number().int().min(1);

/** The fields of a feature reveal its kind: only tokens have a `vocabulary_size`, only lists a `max_length`. */
const FEATURE_SCHEMAS = {
  single: z.strictObject({
    name: featureName,
    kind: z.literal('single'),
    vocabulary_size: vocabularySize,
  }),
  multi: z.strictObject({
    name: featureName,
    kind: z.literal('multi'),
    max_length: maximumLength,
    vocabulary_size: vocabularySize,
    unknown: unknownTokens.optional(),
  }),
  number: z.strictObject({
    name: featureName,
    kind: z.literal('number'),
    missing: missingValue,
    /**
     * Ascending lower bounds of all bands of a trained model except the first. The graph also contains these bounds.
     */
    edges: z.array(z.number()).optional(),
  }),
  vector: z.strictObject({
    name: featureName,
    kind: z.literal('vector'),
    size: vectorSize,
    missing: missingValue,
  }),
} satisfies { readonly [K in FeatureKind]: z.ZodObject };

type Schema = (typeof FEATURE_SCHEMAS)[FeatureKind];
type Feature = z.infer<Schema>;
type Field = Feature extends infer F ? (F extends F ? keyof F : never) : never;

export const featureSchema = z.discriminatedUnion('kind', Object.values(FEATURE_SCHEMAS) as [Schema, ...Schema[]]);

/** Whether features of kind `kind` have the field `field`. */
export function hasField(kind: FeatureKind, field: Field): boolean {
  return field in FEATURE_SCHEMAS[kind].shape;
}

/** Returns a feature with the given fields, except those that its kind does not have. */
export function makeFeature(
  name: string,
  kind: FeatureKind,
  fields: { readonly [F in Exclude<Field, 'name' | 'kind'>]?: unknown },
): Feature {
  const all: { readonly [field: string]: unknown } = { ...fields, name, kind };
  const own = Object.keys(FEATURE_SCHEMAS[kind].shape).filter((field) => all[field] !== undefined);
  return Object.fromEntries(own.map((field) => [field, all[field]])) as Feature;
}
