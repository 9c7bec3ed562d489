/** What is typed and chosen on the page, and the campaign that it makes. */
import type { CampaignInputs, CurrentModel, CurrentPopulation } from '../../api/types.ts';
import { DRAFT_NAME } from './draft.ts';
import type { KeptList } from './list.ts';
import { pointerOf } from './words.ts';

/** A filter as it is edited: tokens, or bounds of a number as text. */
export type FilterValue =
  | { readonly kind: 'tokens'; readonly tokens: readonly string[] }
  | { readonly kind: 'range'; readonly min: string; readonly max: string };

export interface Values {
  readonly name: string;
  /** By campaign feature: values, or numbers as text. */
  readonly features: Readonly<Record<string, readonly string[]>>;
  /** By user feature. */
  readonly filters: Readonly<Record<string, FilterValue>>;
  readonly size: string;
  readonly sizeUnit: 'percent' | 'people';
  /** Ids that were typed. */
  readonly pasted: string;
  readonly draftId: string | null;
  readonly seeds: KeptList | null;
  readonly suppression: KeptList | null;
}

export const NO_VALUES: Values = {
  ...{ name: '', features: {}, filters: {}, size: '5', sizeUnit: 'percent', pasted: '' },
  ...{ draftId: null, seeds: null, suppression: null },
};

type Features = NonNullable<CampaignInputs['features']>;
type Filters = NonNullable<CampaignInputs['filters']>;

export function featuresOf({ features }: Values, model: CurrentModel): Features {
  const made: Features = {};
  for (const { name, kind } of model.features) {
    const given = (features[name] ?? []).filter((value) => value.trim() !== '');
    if (given.length === 0) continue;
    if (kind === 'single') made[name] = given[0]!;
    else if (kind === 'multi') made[name] = [...given];
    else if (kind === 'number') made[name] = Number(given[0]);
    else made[name] = (given[0] ?? '').split(/[\s,;]+/).map(Number);
  }
  return made;
}

/** What is not complete yet is left out: a filter without a token would match nobody. */
export function filtersOf({ filters }: Values, population: CurrentPopulation): Filters {
  const made: Filters = {};
  for (const [name, filter] of Object.entries(filters)) {
    if (population.features.every((feature) => feature.name !== name)) continue;
    if (filter.kind === 'tokens') {
      if (filter.tokens.length > 0) made[name] = [...filter.tokens];
      continue;
    }
    const min = numberOf(filter.min);
    const max = numberOf(filter.max);
    if (min === null && max === null) continue;
    made[name] = { ...(min !== null && { min }), ...(max !== null && { max }) };
  }
  return made;
}

/** What a number's text is; null where it is empty or none. */
function numberOf(text: string): number | null {
  const number = Number(text.trim());
  return text.trim() === '' || !Number.isFinite(number) ? null : number;
}

export function inputsOf(values: Values, model: CurrentModel, population: CurrentPopulation): CampaignInputs {
  const size = numberOf(values.size) ?? 0;
  return {
    name: values.name.trim(),
    features: featuresOf(values, model),
    filters: filtersOf(values, population),
    audience: values.sizeUnit === 'people' ? { size } : { percent: size },
  };
}

/** The same of a form that is not complete: what is missing stays as the draft has it. */
export function partOf(values: Values, model: CurrentModel, population: CurrentPopulation): CampaignInputs {
  const { name, audience, ...others } = inputsOf(values, model, population);
  const isSize = faultsOf(values, 0)['/audience'] === undefined;
  return { ...others, name: name || DRAFT_NAME, ...(isSize && { audience }) };
}

/** People in an audience of that size, at most; null where none is given. */
export function peopleOf({ size, sizeUnit }: Values, users: number): number | null {
  const number = numberOf(size);
  if (number === null || number <= 0) return null;
  return Math.min(users, sizeUnit === 'people' ? number : Math.ceil((number / 100) * users));
}

/** By pointer: what is missing, before the service is asked. */
export function faultsOf(values: Values, minimumSeeds: number): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {};
  if (values.name.trim() === '') faults['/name'] = 'Give it a name, so that you find it again.';
  if (values.seeds === null) faults['/seeds'] = 'Add your customers: paste their ids, or drop a file.';
  else if (values.seeds.report.known < minimumSeeds)
    faults['/seeds'] = `At least ${minimumSeeds} customers must be known, and ${values.seeds.report.known} are.`;
  const size = numberOf(values.size);
  if (size === null || size <= 0) faults['/audience'] = 'How many people should be in it?';
  else if (values.sizeUnit === 'percent' && size > 100) faults['/audience'] = 'A share is at most 100 percent.';
  else if (values.sizeUnit === 'people' && !Number.isInteger(size)) faults['/audience'] = 'People come whole.';
  for (const [name, filter] of Object.entries(values.filters)) {
    if (filter.kind !== 'range') continue;
    const [min, max] = [numberOf(filter.min), numberOf(filter.max)];
    if (min !== null && max !== null && min > max) faults[pointerOf('filters', name)] = 'The least is above the most.';
  }
  return faults;
}
