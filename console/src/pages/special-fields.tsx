/** Choice of the special category of a campaign, and of the feature for its four-fifths rule. */
import type { CurrentPopulation } from '../api/types.ts';
import { Select } from '../ui/field.tsx';
import { featureTitle } from '../ui/words.ts';
import {
  type Category,
  excludedFeatures,
  groupingFeatures,
  type SpecialInputs,
  specialFaults,
} from './special-rules.ts';
import './special-fields.css';

interface SpecialFieldsProps {
  readonly inputs: SpecialInputs;
  readonly population: CurrentPopulation;
  readonly onChange: (part: Partial<Omit<SpecialInputs, 'filters'>>) => void;
  /** Returns errors of the service. */
  readonly faultAt: (pointer: string) => string | undefined;
}

export function SpecialFields({ inputs, population, onChange, faultAt }: SpecialFieldsProps) {
  const { category, four_fifths: fourFifths, filters } = inputs;
  const faults = specialFaults(inputs, population);
  const groups = groupingFeatures(population);
  const isFiltered = groups.some((name) => Object.hasOwn(filters, name));
  return (
    <div class="special">
      <Select
        label="Special category"
        value={category ?? ''}
        onValue={(chosen) => onChange({ category: (chosen || null) as Category | null })}
        options={optionsOf(population.labelled_categories, category)}
        hint={categoryHint(population, category)}
        error={faults['/category'] ?? faultAt('/category')}
      />
      <Select
        label="Four-fifths rule"
        value={fourFifths ?? ''}
        onValue={(chosen) => onChange({ four_fifths: chosen || null })}
        options={optionsOf(
          groups.filter((name) => !Object.hasOwn(filters, name)),
          fourFifths,
        )}
        hint={
          'No group of this feature is selected at less than 80% of the rate of another group.' +
          (isFiltered ? ' Features with a filter cannot be chosen.' : '')
        }
        error={faults['/four_fifths'] ?? faultAt('/four_fifths')}
      />
    </div>
  );
}

/** A chosen value that is not offered any more stays visible, together with its error. */
function optionsOf(offered: readonly string[], chosen: string | null) {
  const all = chosen === null || offered.includes(chosen) ? offered : [chosen, ...offered];
  return [{ value: '', label: 'None' }, ...all.map((value) => ({ value, label: featureTitle(value) }))];
}

function categoryHint(population: CurrentPopulation, category: Category | null): string {
  if (population.labelled_categories.length === 0)
    return 'The population has no labels for special categories, so there is none to choose.';
  if (category === null) return 'For advertising that the law does not allow to depend on some features.';
  const features = excludedFeatures(population, category).map(featureTitle);
  return `Not used: ${[...features, 'past campaigns that are labelled for this category'].join(', ')}.`;
}
