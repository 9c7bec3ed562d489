/**
 * Binds a model to a population: for each feature, a table from population codes to the model's token ids (0 =
 * unknown).
 */

import type { TokenId } from '../lib/brands.ts';
import { AppError } from '../lib/errors.ts';
import { type ColumnKind, columnOf } from '../lib/feature-kinds.ts';
import type { ModelContract } from '../model/folder.ts';
import { featureOf, type ManifestFeature } from '../model/manifest.ts';
import type { UserRows } from '../population/read.ts';
import type { Swap } from './swap.ts';

export interface BoundFeature {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Maximum length of a list; 0 for a feature that is not a list. */
  readonly maxLength: number;
  /** Whether unknown tokens in a list keep their positions as id 0. */
  readonly keepsUnknown: boolean;
  /** Size of a vector; 0 for a feature that is not a vector. */
  readonly size: number;
  /** Token ids by population code; code 0 (missing) has id 0. Empty for a feature without tokens. */
  readonly tokenIds: Int32Array;
  /** Number of dictionary tokens that the model does not know. */
  readonly unknownTokens: number;
  /** The value that replaces a missing number; null stands for NaN. */
  readonly missing: number | null;
  /** Tokens that are hidden in the values of all users, with their replacements. */
  readonly swap?: Swap;
  /** Whether all values of the feature are treated as missing; only for numbers and vectors. */
  readonly isHidden?: boolean;
  /** Contains 1 for each code that is ignored in lists, as if no list contained it. */
  readonly masked?: Uint8Array;
}

export interface Binding {
  readonly features: readonly BoundFeature[];
  /** The id of the binding's mask, if it has one (see `mask.ts`). */
  readonly mask?: string;
}

/**
 * Binds a model to a population. A feature that is missing from the population, or is of a different kind there, causes
 * an `invalid_model` error.
 */
export function bind(model: ModelContract, population: UserRows): Binding {
  return { features: model.manifest.features.user.map((feature) => bindFeature(model, population, feature)) };
}

/**
 * The binding as it would be if no user had certain tokens of a feature (given by the model's ids). It is used to
 * evaluate a model on the past.
 */
export function withoutTokens({ features }: Binding, feature: string, ids: ReadonlySet<TokenId>): Binding {
  return {
    features: features.map((own) =>
      own.name === feature ? { ...own, tokenIds: own.tokenIds.map((id) => (ids.has(id) ? 0 : id)) } : own,
    ),
  };
}

/**
 * The binding as it would be if no user had the hidden values (see `swapsOf`). It is used when a model learns to find
 * the users who have a token.
 */
export function hide({ features }: Binding, hidden: ReadonlyMap<string, Swap | null>): Binding {
  return {
    features: features.map((own) => {
      const swap = hidden.get(own.name);
      if (swap === undefined) return own;
      return swap === null ? { ...own, isHidden: true } : { ...own, swap };
    }),
  };
}

function bindFeature(model: ModelContract, population: UserRows, feature: ManifestFeature): BoundFeature {
  const own = population.features.find(({ name }) => name === feature.name);
  if (!own)
    throw new AppError(
      'invalid_model',
      `the model needs user feature "${feature.name}", but the population ${population.path} does not have it`,
    );
  if (own.kind !== feature.kind)
    throw new AppError(
      'invalid_model',
      `user feature "${feature.name}" is ${feature.kind} in the model, but ${own.kind} in the population`,
    );
  const { maxLength = 0, size = 0 } = featureOf(feature);
  if (own.size !== undefined && own.size !== size)
    throw new AppError(
      'invalid_model',
      `user feature "${feature.name}" is a vector of size ${size} in the model, but of size ${own.size} in the population`,
    );
  const { name } = feature;
  const kind = columnOf(feature.kind);
  const keepsUnknown = 'unknown' in feature && feature.unknown === 'keep';
  const bound = { name, kind, maxLength, size, keepsUnknown };
  if ('missing' in feature)
    return { ...bound, tokenIds: new Int32Array(0), unknownTokens: 0, missing: feature.missing };
  const dictionary = population.dictionary(name);
  const vocabulary = model.vocabularies.get(`user.${name}`)!;
  const tokenIds = new Int32Array(dictionary.size);
  let unknownTokens = 0;
  for (let code = 1; code < tokenIds.length; code++) {
    tokenIds[code] = vocabulary.find(dictionary.token(code));
    if (tokenIds[code] === 0) unknownTokens += 1;
  }
  return { ...bound, tokenIds, unknownTokens, missing: null };
}
