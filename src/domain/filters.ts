/** Checks whether filters can match any user of a population. */
import { AppError, type ErrorDetail } from '../lib/errors.ts';
import { type FeatureKind, KINDS } from '../lib/feature-kinds.ts';
import { jsonPointer } from '../lib/json-pointer.ts';
import type { Filters } from './features.ts';

/** The features of a population that filters can name. */
export interface FilterableFeatures {
  readonly features: readonly { readonly name: string; readonly kind: FeatureKind }[];
  /** The dictionary of a feature with tokens. `find` returns a token's code, or 0 if no user has ever had the token. */
  dictionary(feature: string): { find(token: string): number };
}

/**
 * Rejects filters with features or tokens that the population does not have, because such filters match nobody. Also
 * rejects a filter that has the wrong form for its feature.
 * @throws AppError unknown_filter (facts: known_features)
 */
export function refuseUnknownFilters(known: FilterableFeatures, filters: Filters): void {
  const details = Object.entries(filters).flatMap(([feature, filter]) => faultsOf(known, feature, filter));
  if (details.length === 0) return;
  const message = `a filter names something that the population does not have: ${details[0]!.pointer}`;
  const facts = { known_features: known.features.map(({ name }) => name) };
  throw new AppError('unknown_filter', message, { details, facts });
}

/** Sorts the tokens of filters and drops repeated ones, so filters that differ only in this become equal. */
export function sortedFilters(filters: Filters): Filters {
  const sorted = Object.entries(filters).map(([feature, filter]) => [
    feature,
    'length' in filter ? [...new Set(filter)].sort() : filter,
  ]);
  return Object.fromEntries(sorted);
}

function faultsOf(known: FilterableFeatures, feature: string, filter: Filters[string]): ErrorDetail[] {
  const pointer = jsonPointer('filters', feature);
  const kind = known.features.find(({ name }) => name === feature)?.kind;
  const fault = kind === undefined ? 'the population has no such feature' : formFault(kind, filter);
  if (fault !== null) return [{ pointer, value: feature, message: fault }];
  if (!('length' in filter)) return [];
  const dictionary = known.dictionary(feature);
  const message = 'no user has ever had this token';
  return filter.flatMap((token, i) =>
    dictionary.find(token) === 0 ? [{ pointer: `${pointer}/${i}`, value: token, message }] : [],
  );
}

function formFault(kind: FeatureKind, filter: Filters[string]): string | null {
  const { filter: expected } = KINDS[kind];
  if (expected === null) return `users cannot be filtered by a ${kind}`;
  const isList = 'length' in filter;
  if ((expected === 'tokens') === isList) return null;
  return isList ? 'the feature is a number: send min, max or both' : 'the feature has tokens: send a list of tokens';
}
