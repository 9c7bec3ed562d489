/** What campaigns of a special category must not use, according to the labels of a population. */
import { AppError } from '../lib/errors.ts';
import { jsonPointer } from '../lib/json-pointer.ts';
import { SPECIAL_CATEGORIES, type SpecialCampaigns, type SpecialCategory } from '../lib/special-categories.ts';
import type { Filters } from './features.ts';

/** The user feature whose tokens are past campaigns. */
const PAST_CAMPAIGNS = 'past_campaigns';

export interface CategoryLabels {
  readonly features: readonly { readonly name: string; readonly excludedFor?: readonly SpecialCategory[] }[];
  readonly specialCampaigns: SpecialCampaigns;
}

/** The user features and past campaigns that a category excludes. */
export interface Exclusions {
  readonly category: SpecialCategory;
  /** In ascending order. */
  readonly features: readonly string[];
  /** In ascending order. */
  readonly campaigns: readonly string[];
}

/**
 * Returns what the category excludes; null without a category.
 * @throws AppError unlabelled_category if the population has no label for the category
 */
export function exclusionsOf(labels: CategoryLabels, category: SpecialCategory | null): Exclusions | null {
  if (category === null) return null;
  const features = labels.features.filter(({ excludedFor = [] }) => excludedFor.includes(category));
  const campaigns = labels.specialCampaigns[category] ?? [];
  if (features.length + campaigns.length === 0) {
    const known = labelledCategories(labels);
    const message =
      `the population labels no feature and no past campaign for ${category}, so nothing would be excluded; ` +
      `${known.length === 0 ? 'it has no labels' : `it has labels for ${known.join(', ')}`}`;
    throw new AppError('unlabelled_category', message, {
      details: [{ pointer: '/category', value: category, message }],
      facts: { labelled_categories: known },
    });
  }
  return { category, features: features.map(({ name }) => name).sort(), campaigns };
}

/** The categories for which the population has labels. */
export function labelledCategories({ features, specialCampaigns }: CategoryLabels): SpecialCategory[] {
  return SPECIAL_CATEGORIES.filter(
    (category) =>
      specialCampaigns[category] !== undefined || features.some(({ excludedFor }) => excludedFor?.includes(category)),
  );
}

/**
 * Refuses filters on anything that the category excludes.
 * @throws AppError excluded_filter
 */
export function refuseExcludedFilters(excluded: Exclusions | null, filters: Filters): void {
  if (excluded === null) return;
  const { category, features, campaigns } = excluded;
  const wrong = Object.entries(filters).filter(
    ([feature, filter]) =>
      features.includes(feature) ||
      (feature === PAST_CAMPAIGNS && 'length' in filter && filter.some((token) => campaigns.includes(token))),
  );
  if (wrong.length === 0) return;
  const details = wrong.map(([feature]) => ({
    pointer: jsonPointer('filters', feature),
    value: feature,
    message: `excluded for ${category}`,
  }));
  const message = `campaigns for ${category} must not be filtered by ${wrong.map(([feature]) => `"${feature}"`).join(', ')}`;
  throw new AppError('excluded_filter', message, { details });
}
