/** schema.json of `model import`: the features of an exported model, and how to adapt it. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../../lib/errors.ts';
import { FEATURE_KINDS, hasTokens } from '../../lib/feature-kinds.ts';
import type { InputNames } from '../adapt-interface.ts';
import { adamAdaptation } from '../adaptation-schema.ts';
import {
  featureName,
  hasField,
  makeFeature,
  maximumLength,
  missingValue,
  unknownTokens,
  vectorSize,
} from '../feature-schemas.ts';
import { SIDES } from '../interface.ts';
import {
  type AdamSettings,
  DEFAULT_ADAPTATION,
  type Manifest,
  type ManifestFeature,
  manifestSchema,
  vocabularySizeOf,
} from '../manifest.ts';
import { vocabularyPath } from '../vocabulary.ts';

/** Maximum number of ids of a feature, including id 0. It is the capacity of a JavaScript Map. */
const MAXIMUM_VOCABULARY = 2 ** 24;
/** Maximum size, in bytes, of a schema or a list of tokens. */
const MAXIMUM_FILE_BYTES = 512 * 1024 * 1024;

const { adapted_parameters, inputs, name, training } = manifestSchema.shape;

const feature = z
  .strictObject({
    name: featureName.regex(/^[^\p{Cc}]*$/u, 'contains a control character'),
    kind: z.enum(FEATURE_KINDS),
    max_length: maximumLength.nullish(),
    /** The handling of unknown tokens in a list. */
    unknown: unknownTokens.optional(),
    /** Number of elements of a vector. */
    size: vectorSize.optional(),
    /** The value that stands for a missing number in the model's input; null means NaN. */
    missing: missingValue.optional(),
    // null in a proposal if the size is unknown
    vocabulary_size: z
      .number()
      .int()
      .min(2, 'must count id 0 and at least one token')
      .max(MAXIMUM_VOCABULARY)
      .nullish(),
    tokens: z.array(z.string()).optional(),
    /** A file with the tokens; its path is relative to the schema. */
    vocabulary: z.string().optional(),
  })
  .refine(({ name }) => !name.endsWith('.length'), {
    error: 'the name ends in .length, which is reserved for lengths of lists',
  })
  .refine(({ kind, max_length }) => hasField(kind, 'max_length') === (typeof max_length === 'number'), {
    error: 'a multi-valued feature needs a max_length, and a single-valued feature must not have a max_length',
  })
  .refine(({ kind, unknown }) => hasField(kind, 'unknown') || unknown === undefined, {
    error: 'only a multi-valued feature may have "unknown"',
  })
  .refine(({ kind, size }) => hasField(kind, 'size') === (size !== undefined), {
    error: 'a vector must have a size, and no other feature may have a size',
  })
  .refine(
    ({ kind, ...rest }) => hasTokens(kind) || !('tokens' in rest || 'vocabulary' in rest || 'vocabulary_size' in rest),
    {
      error: 'numbers have no tokens',
    },
  )
  .refine(({ tokens, vocabulary }) => tokens === undefined || vocabulary === undefined, {
    error: 'the feature has both tokens and a vocabulary file',
  });

const schema = z.strictObject({
  name: name.optional(),
  features: z.strictObject({ user: z.array(feature).min(1), campaign: z.array(feature).default([]) }),
  adaptation: adamAdaptation.partial().default({}),
  adapted_parameters: adapted_parameters.default('all'),
  /** Parameters that adaptation does not change. */
  fixed: z.array(z.string()).default([]),
  training: training.default(null),
  /** The meaning of inputs that are not named after their feature. */
  inputs: inputs.unwrap().default({}),
  /** Whether weights that are equal in the file are one parameter. */
  tied: z.boolean().default(true),
  /** Tables whose row 0 stays 0. Default: the tables that have a row of zeros. */
  padded: z.array(z.string()).optional(),
});

type Feature = z.infer<typeof feature>;

/** The source of a feature's tokens. */
export type VocabularyOrigin = 'schema' | 'file' | 'ids';

export interface ImportSchema {
  readonly path: string;
  readonly name: string | null;
  readonly features: Manifest['features'];
  readonly adaptation: AdamSettings;
  readonly adaptedParameters: 'all' | readonly string[];
  readonly fixed: readonly string[];
  readonly training: Manifest['training'];
  readonly inputs: InputNames;
  readonly tied: boolean;
  /** Tables whose row 0 stays 0; null: the tables that have a row of zeros. */
  readonly padded: readonly string[] | null;
  readonly origins: ReadonlyMap<string, VocabularyOrigin>;
  /** Tokens by `user.<feature>` and `campaign.<feature>`. Default: the ids as text ("1", "2", ..). */
  tokens(): Map<string, readonly string[]>;
}

/**
 * Reads and checks a schema. The tokens of a feature are its `tokens`, or are read from the file `vocabulary`, or from
 * `vocabulary/<side>.<feature>.json` next to the schema if that file exists. Without any of these, the ids serve as
 * tokens and `vocabulary_size` is the number of ids.
 * @throws AppError invalid_argument, naming the place
 */
export function readImportSchema(path: string): ImportSchema {
  const parsed = schema.safeParse(readJson(path, path));
  if (!parsed.success) throw refuseSchema(path, z.prettifyError(parsed.error).replaceAll('\n', ' '), parsed.error);
  const given = new Map<string, readonly string[]>();
  const origins = new Map<string, VocabularyOrigin>();
  const names = new Set<string>();
  const read = (side: 'user' | 'campaign', source: Feature): ManifestFeature => {
    const key = `${side}.${source.name}`;
    if (names.has(key)) throw refuseSchema(path, `${side} feature "${source.name}" appears twice`);
    names.add(key);
    const { name, kind, missing = 0, size, max_length } = source;
    if (!hasTokens(kind)) return makeFeature(name, kind, { missing, size });
    const { tokens, origin } = tokensOf(path, side, source);
    origins.set(key, origin);
    if (tokens) given.set(key, tokens);
    const vocabulary_size = sizeOf(path, key, source, tokens);
    const unknown = source.unknown === 'keep' ? source.unknown : undefined;
    return makeFeature(name, kind, { max_length, vocabulary_size, unknown });
  };
  const { data } = parsed;
  const list = (side: 'user' | 'campaign') => data.features[side].map((source) => read(side, source));
  const features = { user: list('user'), campaign: list('campaign') };
  return {
    path,
    name: data.name ?? null,
    features,
    // fields that the schema omits have default values
    adaptation: { ...DEFAULT_ADAPTATION, ...withoutUndefined(data.adaptation) },
    adaptedParameters: data.adapted_parameters,
    fixed: data.fixed,
    training: data.training,
    inputs: data.inputs,
    tied: data.tied,
    padded: data.padded ?? null,
    origins,
    tokens() {
      const all = new Map(given);
      for (const side of SIDES)
        for (const feature of features[side]) {
          const size = vocabularySizeOf(feature);
          const key = `${side}.${feature.name}`;
          if (size > 0 && !all.has(key))
            all.set(
              key,
              Array.from({ length: size - 1 }, (_, i) => String(i + 1)),
            );
        }
      return all;
    },
  };
}

function tokensOf(
  path: string,
  side: 'user' | 'campaign',
  { name, tokens, vocabulary }: Feature,
): { tokens: readonly string[] | null; origin: VocabularyOrigin } {
  const where = `the token list of ${side} feature "${name}"`;
  if (tokens) return { tokens: checkTokens(path, where, tokens), origin: 'schema' };
  const folder = dirname(path);
  const file = vocabulary ?? vocabularyPath(side, name);
  if (isAbsolute(file) || normalize(file).split(sep).includes('..'))
    throw refuseSchema(path, `the vocabulary "${file}" is not in the folder of the schema`);
  if (vocabulary === undefined && !existsSync(join(folder, file))) return { tokens: null, origin: 'ids' };
  const json = readJson(path, join(folder, file));
  if (!Array.isArray(json) || !json.every((token) => typeof token === 'string'))
    throw refuseSchema(path, `${file} is not a list of tokens`);
  return { tokens: checkTokens(path, file, json), origin: 'file' };
}

function checkTokens(path: string, where: string, tokens: readonly string[]): readonly string[] {
  if (tokens.includes('')) throw refuseSchema(path, `${where} contains an empty token, but id 0 means empty`);
  const seen = new Set<string>();
  for (const token of tokens) {
    if (seen.has(token)) throw refuseSchema(path, `${where} contains ${JSON.stringify(token)} twice`);
    seen.add(token);
  }
  if (tokens.length === 0) throw refuseSchema(path, `${where} is empty, but a feature needs at least one token`);
  if (tokens.length >= MAXIMUM_VOCABULARY)
    throw refuseSchema(path, `${where} has ${tokens.length} tokens; at most ${MAXIMUM_VOCABULARY - 1} are supported`);
  return tokens;
}

function sizeOf(path: string, key: string, { vocabulary_size }: Feature, tokens: readonly string[] | null): number {
  if (!tokens && typeof vocabulary_size !== 'number')
    throw refuseSchema(path, `feature "${key}" has no tokens: give tokens, a vocabulary file or its vocabulary_size`);
  if (tokens && typeof vocabulary_size === 'number' && tokens.length + 1 !== vocabulary_size)
    throw refuseSchema(
      path,
      `feature "${key}" has ${tokens.length} tokens, but its vocabulary_size is ${vocabulary_size}, which ` +
        'must count the tokens and id 0',
    );
  return vocabulary_size ?? tokens!.length + 1;
}

function readJson(schemaPath: string, file: string): unknown {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw refuseSchema(schemaPath, `${file} ${stat ? 'is not a file' : 'not found'}`);
  if (stat.size > MAXIMUM_FILE_BYTES)
    throw refuseSchema(schemaPath, `${file} has ${stat.size} bytes; at most ${MAXIMUM_FILE_BYTES} are supported`);
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuseSchema(schemaPath, `${file} is not JSON: ${messageOf(error)}`, error);
  }
}

function withoutUndefined<T extends object>(source: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)) as never;
}

function refuseSchema(path: string, reason: string, cause?: unknown): AppError {
  return new AppError('invalid_argument', `schema ${path}: ${reason}`, { cause });
}
