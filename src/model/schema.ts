/** schema.json of `model import`: what the features of an exported model are, and how it is to be adapted. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../lib/errors.ts';
import { FEATURE_KINDS } from '../lib/feature-kinds.ts';
import type { InputNames } from './adapt-interface.ts';
import { SIDES } from './interface.ts';
import {
  type AdamSettings,
  adamAdaptation,
  DEFAULT_ADAPTATION,
  featureName,
  type Manifest,
  type ManifestFeature,
  manifestSchema,
  maximumLength,
} from './manifest.ts';
import { vocabularyPath } from './vocabulary.ts';

/** Ids of one feature, id 0 among them: as many keys as a Map of JavaScript holds. */
const MAXIMUM_VOCABULARY = 2 ** 24;
/** Bytes of a schema or a list of tokens. */
const MAXIMUM_FILE_BYTES = 512 * 1024 * 1024;

const { adapted_parameters, inputs, name, training } = manifestSchema.shape;

const feature = z
  .strictObject({
    name: featureName.regex(/^[^\p{Cc}]*$/u, 'has a control character'),
    kind: z.enum(FEATURE_KINDS),
    max_length: maximumLength.nullish(),
    // null is what a proposal writes that does not know it
    vocabulary_size: z.number().int().min(2, 'counts id 0 and at least one token').max(MAXIMUM_VOCABULARY).nullish(),
    /** Tokens from id 1 on. */
    tokens: z.array(z.string()).optional(),
    /** A file with the tokens, beside the schema. */
    vocabulary: z.string().optional(),
  })
  .refine(({ name }) => !name.endsWith('.length'), { error: 'its name ends in .length, as the lengths of lists do' })
  .refine(({ kind, max_length }) => (kind === 'multi') === (typeof max_length === 'number'), {
    error: 'a multi-valued feature has a max_length, and a single-valued one has none',
  })
  .refine(({ tokens, vocabulary }) => tokens === undefined || vocabulary === undefined, {
    error: 'it has both tokens and a vocabulary file',
  });

const schema = z.strictObject({
  name: name.optional(),
  features: z.strictObject({ user: z.array(feature).min(1), campaign: z.array(feature).default([]) }),
  adaptation: adamAdaptation.partial().default({}),
  adapted_parameters: adapted_parameters.default('all'),
  /** Parameters that adaptation leaves as they are. */
  fixed: z.array(z.string()).default([]),
  training: training.default(null),
  /** What inputs are that are not called after their feature. */
  inputs: inputs.unwrap().default({}),
  /** Whether weights that are equal in the file are one parameter. */
  tied: z.boolean().default(true),
  /** Tables whose row 0 stays 0; left out, those that have such a row. */
  padded: z.array(z.string()).optional(),
});

type Feature = z.infer<typeof feature>;

/** Where the tokens of a feature are from. */
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
  /** null: those that have a row of zeros. */
  readonly padded: readonly string[] | null;
  readonly origins: ReadonlyMap<string, VocabularyOrigin>;
  /** Tokens by `user.<feature>` and `campaign.<feature>`; where none are given, the ids as text: "1", "2", .. */
  tokens(): Map<string, readonly string[]>;
}

/**
 * Reads and checks a schema. The tokens of a feature are its `tokens`, or those of the file `vocabulary`, or of
 * `vocabulary/<side>.<feature>.json` beside the schema where that is there; without any, ids stand for themselves and
 * `vocabulary_size` says how many. Anything amiss is invalid_argument, saying where.
 */
export function readImportSchema(path: string): ImportSchema {
  const parsed = schema.safeParse(readJson(path, path));
  if (!parsed.success) throw refuseSchema(path, z.prettifyError(parsed.error).replaceAll('\n', ' '), parsed.error);
  const given = new Map<string, readonly string[]>();
  const origins = new Map<string, VocabularyOrigin>();
  const read = (side: 'user' | 'campaign', source: Feature): ManifestFeature => {
    const key = `${side}.${source.name}`;
    if (origins.has(key)) throw refuseSchema(path, `${side} feature "${source.name}" is there twice`);
    const { tokens, origin } = tokensOf(path, side, source);
    origins.set(key, origin);
    if (tokens) given.set(key, tokens);
    const { name, kind } = source;
    const vocabulary_size = sizeOf(path, key, source, tokens);
    switch (kind) {
      case 'single':
        return { name, kind, vocabulary_size };
      case 'multi':
        return { name, kind, max_length: source.max_length!, vocabulary_size };
    }
  };
  const { data } = parsed;
  const list = (side: 'user' | 'campaign') => data.features[side].map((source) => read(side, source));
  const features = { user: list('user'), campaign: list('campaign') };
  return {
    path,
    name: data.name ?? null,
    features,
    // what the schema leaves out is as the default
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
        for (const { name, vocabulary_size } of features[side])
          if (!all.has(`${side}.${name}`))
            all.set(
              `${side}.${name}`,
              Array.from({ length: vocabulary_size - 1 }, (_, i) => String(i + 1)),
            );
      return all;
    },
  };
}

function tokensOf(
  path: string,
  side: 'user' | 'campaign',
  { name, tokens, vocabulary }: Feature,
): { tokens: readonly string[] | null; origin: VocabularyOrigin } {
  const where = `the tokens of ${side} feature "${name}"`;
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
  if (tokens.includes('')) throw refuseSchema(path, `${where} hold an empty one: id 0 stands for it`);
  const seen = new Set<string>();
  for (const token of tokens) {
    if (seen.has(token)) throw refuseSchema(path, `${where} hold ${JSON.stringify(token)} twice`);
    seen.add(token);
  }
  if (tokens.length === 0) throw refuseSchema(path, `${where} are none: a feature has at least one`);
  if (tokens.length >= MAXIMUM_VOCABULARY)
    throw refuseSchema(path, `${where} are ${tokens.length}: ${MAXIMUM_VOCABULARY - 1} are supported`);
  return tokens;
}

function sizeOf(path: string, key: string, { vocabulary_size }: Feature, tokens: readonly string[] | null): number {
  if (!tokens && typeof vocabulary_size !== 'number')
    throw refuseSchema(path, `feature "${key}" has no tokens: give tokens, a vocabulary file or its vocabulary_size`);
  if (tokens && typeof vocabulary_size === 'number' && tokens.length + 1 !== vocabulary_size)
    throw refuseSchema(
      path,
      `feature "${key}" has ${tokens.length} tokens, and its vocabulary_size is ${vocabulary_size}: it counts them and id 0`,
    );
  return vocabulary_size ?? tokens!.length + 1;
}

function readJson(schemaPath: string, file: string): unknown {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw refuseSchema(schemaPath, `${file} ${stat ? 'is no file' : 'is not there'}`);
  if (stat.size > MAXIMUM_FILE_BYTES)
    throw refuseSchema(schemaPath, `${file} has ${stat.size} bytes: ${MAXIMUM_FILE_BYTES} are supported`);
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
