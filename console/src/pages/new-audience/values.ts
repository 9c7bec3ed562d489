/** Input of the page, and its conversion to a campaign. */
import type { Campaign, CampaignInputs, CurrentModel, CurrentPopulation } from '../../api/types.ts';
import type { KeptList } from '../../lists/list.ts';
import { formatCount } from '../../ui/format.ts';
import { readNumber, readWhole } from '../../ui/read-number.ts';
import { DRAFT_NAME } from '../audiences/drafts.tsx';
import { type CutRow, cutsFault, cutsOf } from '../cuts.ts';
import { KINDS } from '../feature-kinds.ts';
import { type Category, consistentInputs, type SpecialInputs } from '../special-rules.ts';
import { pointerOf } from './pointer.ts';

/** A filter in the form: tokens, or bounds of a number as text. */
export type FilterValue =
  | { readonly kind: 'tokens'; readonly tokens: readonly string[] }
  | { readonly kind: 'range'; readonly min: string; readonly max: string };

export interface Values {
  readonly name: string;
  /** Values by campaign feature. Numbers are texts. */
  readonly features: Readonly<Record<string, readonly string[]>>;
  /** By user feature. */
  readonly filters: Readonly<Record<string, FilterValue>>;
  readonly size: string;
  readonly sizeUnit: 'percent' | 'people';
  /** The percentage of the audience to hold out. */
  readonly holdout: string;
  readonly cuts: readonly CutRow[];
  readonly negativeWeight: string;
  readonly category: Category | null;
  /** The feature for the four-fifths rule. */
  readonly fourFifths: string | null;
  /** Typed ids. */
  readonly pasted: string;
  readonly draftId: string | null;
  readonly seeds: KeptList | null;
  readonly suppression: KeptList | null;
  readonly negatives: KeptList | null;
  readonly refresh: Campaign['refresh'];
  readonly labels: Campaign['labels'];
  /** The audience that was copied. */
  readonly copied: Copied | null;
}

/** Lists that a copy leaves out, because the service never returns ids that it has received. */
export interface Copied {
  readonly name: string;
  readonly customers: number;
  readonly isWeighted: boolean;
  readonly suppressed: number;
  readonly negatives: number;
}

export const NO_VALUES: Values = {
  name: '',
  features: {},
  filters: {},
  size: '5',
  sizeUnit: 'percent',
  holdout: '0',
  cuts: [],
  negativeWeight: '1',
  category: null,
  fourFifths: null,
  pasted: '',
  draftId: null,
  seeds: null,
  suppression: null,
  negatives: null,
  labels: {},
  copied: null,
  refresh: { every: null, on_new_population: false, on_change: false },
};

type Features = NonNullable<CampaignInputs['features']>;
type Filters = NonNullable<CampaignInputs['filters']>;

export function featuresOf({ features }: Values, model: CurrentModel): Features {
  const made: Features = {};
  for (const { name, kind } of model.features) {
    const given = (features[name] ?? []).filter((value) => value.trim() !== '');
    if (given.length === 0) continue;
    made[name] = KINDS[kind].read(given);
  }
  return made;
}

/** Returns the complete filters. Filters without a token are left out, because they would match nobody. */
export function filtersOf({ filters }: Values, population: CurrentPopulation): Filters {
  const made: Filters = {};
  for (const [name, filter] of Object.entries(filters)) {
    if (population.features.every((feature) => feature.name !== name)) continue;
    if (filter.kind === 'tokens') {
      if (filter.tokens.length > 0) made[name] = [...filter.tokens];
      continue;
    }
    const min = readNumber(filter.min);
    const max = readNumber(filter.max);
    if (min === null && max === null) continue;
    made[name] = { ...(min !== null && { min }), ...(max !== null && { max }) };
  }
  return made;
}

/** Returns a number of people or a percentage of the population, or null if the input is neither. */
function numberOfSize({ size, sizeUnit }: Pick<Values, 'size' | 'sizeUnit'>): number | null {
  return sizeUnit === 'people' ? readWhole(size) : readNumber(size);
}

/** The weight of each negative, or null if the input is not a number above 0. */
export function negativeWeightOf({ negativeWeight }: Pick<Values, 'negativeWeight'>): number | null {
  const weight = readNumber(negativeWeight);
  return weight !== null && weight > 0 ? weight : null;
}

export function inputsOf(
  values: Values,
  model: CurrentModel,
  population: CurrentPopulation,
): CampaignInputs & SpecialInputs {
  const size = numberOfSize(values) ?? 0;
  return {
    name: values.name.trim(),
    features: featuresOf(values, model),
    filters: filtersOf(values, population),
    category: values.category,
    four_fifths: values.fourFifths,
    holdout_percent: readNumber(values.holdout) ?? 0,
    cuts: cutsOf(values.cuts),
    negative_weight: negativeWeightOf(values) ?? 1,
    refresh: values.refresh,
    ...(Object.keys(values.labels).length > 0 && { labels: values.labels }),
    audience: values.sizeUnit === 'people' ? { size } : { percent: size },
  };
}

/**
 * Returns the inputs of an incomplete form. Missing fields keep the values of the draft. Inputs that contradict each
 * other are left out, because the service would refuse all inputs.
 */
export function partOf(values: Values, model: CurrentModel, population: CurrentPopulation): CampaignInputs {
  const inputs = inputsOf(values, model, population);
  const { name, audience, holdout_percent, cuts, negative_weight, ...others } = inputs;
  const faults = faultsOf(values, 0);
  return {
    ...others,
    ...consistentInputs(inputs, population),
    name: name || DRAFT_NAME,
    ...(faults['/audience'] === undefined && { audience }),
    ...(faults['/holdout_percent'] === undefined && { holdout_percent }),
    ...(faults['/cuts'] === undefined && { cuts }),
    ...(faults['/negative_weight'] === undefined && { negative_weight }),
  };
}

/** Returns the requested number of people in a population of `users`, or null if no size was entered. */
export function peopleOf(values: Values, users: number): number | null {
  const number = numberOfSize(values);
  if (number === null || number <= 0) return null;
  return Math.min(users, values.sizeUnit === 'people' ? number : Math.ceil((number / 100) * users));
}

/** Returns errors by JSON pointer that can be found without the service. */
export function faultsOf(values: Values, minimumSeeds: number): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {};
  if (values.name.trim() === '') faults['/name'] = 'Enter a name.';
  if (values.seeds === null) faults['/seeds'] = 'Add your customers: paste their IDs or choose a file.';
  else {
    const { known, outside } = values.seeds.report;
    const what = outside > 0 ? 'be matched or have features' : 'be matched';
    const only = `${formatCount(known + outside)} ${outside > 0 ? 'do' : 'are'}`;
    if (known + outside < minimumSeeds)
      faults['/seeds'] = `At least ${formatCount(minimumSeeds)} customers must ${what}, but only ${only}.`;
  }
  const fault = sizeFault(values);
  if (fault !== null) faults['/audience'] = fault;
  const holdout = readNumber(values.holdout);
  if (holdout === null || holdout < 0 || holdout > MOST_HELD_OUT)
    faults['/holdout_percent'] = `Enter a percentage from 0 to ${MOST_HELD_OUT}.`;
  const cuts = cutsFault(values.cuts);
  if (cuts !== undefined) faults['/cuts'] = cuts;
  if (negativeWeightOf(values) === null) faults['/negative_weight'] = 'Enter a number above 0, such as 1 or 2.5.';
  for (const [name, filter] of Object.entries(values.filters)) {
    if (filter.kind !== 'range') continue;
    const [min, max] = [readNumber(filter.min), readNumber(filter.max)];
    const isNone = (text: string, number: number | null) => text.trim() !== '' && number === null;
    if (isNone(filter.min, min) || isNone(filter.max, max)) faults[pointerOf('filters', name)] = NOT_A_NUMBER;
    else if (min !== null && max !== null && min > max)
      faults[pointerOf('filters', name)] = 'The minimum is above the maximum.';
  }
  return faults;
}

const MOST_HELD_OUT = 50;
const NOT_A_NUMBER = 'Enter a number such as 12.5 or 1000.';

/** Returns the error of the size, or null if the size is valid. */
function sizeFault(values: Values): string | null {
  const size = numberOfSize(values);
  if (values.size.trim() === '' || size === 0) return 'Enter a size.';
  if (size === null) return values.sizeUnit === 'people' ? 'Enter a whole number of people.' : NOT_A_NUMBER;
  if (size < 0) return 'Enter a size.';
  return values.sizeUnit === 'percent' && size > 100 ? 'Enter 100% or less.' : null;
}
