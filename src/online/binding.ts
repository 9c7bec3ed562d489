/** Binds a model to a population: for each feature, population code -> the model's token id (0 = unknown). */
import type { TokenId } from '../lib/brands.ts';
import { AppError } from '../lib/errors.ts';
import type { ModelContract } from '../model/folder.ts';
import type { ManifestFeature } from '../model/manifest.ts';
import type { Population } from '../population/population.ts';

export interface BoundFeature {
  readonly name: string;
  readonly kind: 'single' | 'multi';
  /** 0 for single-valued features. */
  readonly maxLength: number;
  /** By population code; code 0 (missing) is id 0. */
  readonly tokenIds: Int32Array;
  /** Number of dictionary tokens that the model does not know. */
  readonly unknownTokens: number;
}

export interface Binding {
  readonly features: readonly BoundFeature[];
}

/** Binds; a feature that the population lacks, or has as another kind, is invalid_model. */
export function bind(model: ModelContract, population: Population): Binding {
  return { features: model.manifest.features.user.map((feature) => bindFeature(model, population, feature)) };
}

/** The binding as if nobody had some tokens of a feature, by the model's ids: for evaluating a model on the past. */
export function withoutTokens({ features }: Binding, feature: string, ids: ReadonlySet<TokenId>): Binding {
  return {
    features: features.map((own) =>
      own.name === feature ? { ...own, tokenIds: own.tokenIds.map((id) => (ids.has(id) ? 0 : id)) } : own,
    ),
  };
}

function bindFeature(model: ModelContract, population: Population, feature: ManifestFeature): BoundFeature {
  const own = population.features.find(({ name }) => name === feature.name);
  if (!own)
    throw new AppError(
      'invalid_model',
      `the model needs user feature "${feature.name}", and the population ${population.path} does not have it`,
    );
  if (own.kind !== feature.kind)
    throw new AppError(
      'invalid_model',
      `user feature "${feature.name}" is ${feature.kind} in the model and ${own.kind} in the population`,
    );
  const dictionary = population.dictionary(feature.name);
  const vocabulary = model.vocabularies.get(`user.${feature.name}`)!;
  const tokenIds = new Int32Array(dictionary.size);
  let unknownTokens = 0;
  for (let code = 1; code < tokenIds.length; code++) {
    tokenIds[code] = vocabulary.find(dictionary.token(code));
    if (tokenIds[code] === 0) unknownTokens += 1;
  }
  return { name: feature.name, kind: feature.kind, maxLength: feature.max_length ?? 0, tokenIds, unknownTokens };
}
