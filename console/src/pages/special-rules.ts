/** Checks the special category and the four-fifths rule of a campaign against the population and the filters. */
import type { CampaignInputs, CurrentPopulation } from '../api/types.ts';
import { featureTitle } from '../ui/words.ts';

export type SpecialInputs = Required<Pick<CampaignInputs, 'category' | 'four_fifths' | 'filters'>>;
/** What the checks read of a population. */
export type PopulationLabels = Pick<CurrentPopulation, 'labelled_categories' | 'features'>;
export type Category = CurrentPopulation['labelled_categories'][number];

/** Returns the features that campaigns of the category do not use. */
export function excludedFeatures({ features }: PopulationLabels, category: Category | null): readonly string[] {
  if (category === null) return [];
  return features.filter(({ excluded_for: categories }) => categories.includes(category)).map(({ name }) => name);
}

/** Returns the features whose groups can be compared: each person has one value of them. */
export function groupingFeatures({ features }: PopulationLabels): readonly string[] {
  return features.filter(({ kind }) => kind === 'single').map(({ name }) => name);
}

/** Returns errors by JSON pointer. */
export function specialFaults(
  { category, four_fifths: fourFifths, filters }: SpecialInputs,
  population: PopulationLabels,
): Readonly<Partial<Record<'/category' | '/four_fifths', string>>> {
  const forbidden = excludedFeatures(population, category).find((name) => Object.hasOwn(filters, name));
  const isUnlabelled = category !== null && !population.labelled_categories.includes(category);
  return {
    ...(isUnlabelled && { '/category': 'The population has no labels for this category. Choose another category.' }),
    ...(forbidden !== undefined && {
      '/category': `This category does not use ${featureTitle(forbidden)}. Remove the filter on this feature.`,
    }),
    ...(fourFifths !== null && groupFault(fourFifths, filters, population)),
  };
}

function groupFault(feature: string, filters: SpecialInputs['filters'], population: PopulationLabels) {
  if (!groupingFeatures(population).includes(feature))
    return { '/four_fifths': 'The population has no groups of this feature. Choose another feature.' };
  if (!Object.hasOwn(filters, feature)) return {};
  const title = featureTitle(feature);
  return { '/four_fifths': `People are filtered by ${title}, so its groups cannot be compared. Remove this filter.` };
}

/**
 * Returns inputs that do not contradict each other or the population: a rule that does not fit the population becomes
 * null, and filters that break a rule are left out.
 */
export function consistentInputs(inputs: SpecialInputs, population: PopulationLabels): SpecialInputs {
  const withoutFilters = specialFaults({ ...inputs, filters: {} }, population);
  const category = withoutFilters['/category'] === undefined ? inputs.category : null;
  const fourFifths = withoutFilters['/four_fifths'] === undefined ? inputs.four_fifths : null;
  const forbidden = [...excludedFeatures(population, category), fourFifths];
  const filters = Object.entries(inputs.filters).filter(([name]) => !forbidden.includes(name));
  return { category, four_fifths: fourFifths, filters: Object.fromEntries(filters) };
}
