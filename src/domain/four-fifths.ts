/** Checks whether the four-fifths rule can be applied to a campaign. */
import { AppError } from '../lib/errors.ts';
import type { FeatureKind } from '../lib/feature-kinds.ts';
import { jsonPointer } from '../lib/json-pointer.ts';
import type { Filters } from './features.ts';

/**
 * Refuses a feature that does not divide the population into groups with one group per user, and a filter on this
 * feature, which would leave some groups without candidates.
 * @throws AppError unknown_feature (facts: known_features), excluded_filter
 */
export function refuseUngrouped(
  { features }: { readonly features: readonly { readonly name: string; readonly kind: FeatureKind }[] },
  { fourFifths, filters }: { readonly fourFifths: string | null; readonly filters: Filters },
): void {
  if (fourFifths === null) return;
  const known = features.filter(({ kind }) => kind === 'single').map(({ name }) => name);
  if (!known.includes(fourFifths)) {
    const message = 'the population has no single-valued user feature with this name';
    const details = [{ pointer: '/four_fifths', value: fourFifths, message }];
    throw new AppError('unknown_feature', message, { details, facts: { known_features: known } });
  }
  if (!Object.hasOwn(filters, fourFifths)) return;
  const message = `users must not be filtered by "${fourFifths}", whose groups are ranked by the four-fifths rule`;
  throw new AppError('excluded_filter', message, {
    details: [{ pointer: jsonPointer('filters', fourFifths), value: fourFifths, message }],
  });
}
