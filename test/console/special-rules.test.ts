/** The special category and the four-fifths rule of a form, checked against the population and the filters. */
import { expect, it } from 'vitest';
import {
  consistentInputs,
  type PopulationLabels,
  type SpecialInputs,
  specialFaults,
} from '../../console/src/pages/special-rules.ts';

const feature = (name: string, kind: 'single' | 'multi', excluded_for: 'housing'[] = []) => ({
  ...{ name, kind, excluded_for, sensitive: false, known_values: 2, values: '' },
});
const population: PopulationLabels = {
  labelled_categories: ['housing'],
  features: [feature('city', 'single', ['housing']), feature('gender', 'single'), feature('interests', 'multi')],
};
const NONE: SpecialInputs = { category: null, four_fifths: null, filters: {} };
const [city, gender] = [{ city: ['Bonn'] }, { gender: ['f'] }];

it.each<[Partial<SpecialInputs>, string[], Partial<SpecialInputs>]>([
  [{ filters: { ...city, ...gender } }, [], {}],
  [{ category: 'housing', four_fifths: 'city', filters: gender }, [], {}],
  [{ category: 'housing', filters: { ...city, ...gender } }, ['/category'], { filters: gender }],
  [{ category: 'credit', filters: city }, ['/category'], { category: null }],
  [{ four_fifths: 'gender', filters: { ...city, ...gender } }, ['/four_fifths'], { filters: city }],
  [{ four_fifths: 'interests', filters: gender }, ['/four_fifths'], { four_fifths: null }],
  [{ four_fifths: 'age', filters: gender }, ['/four_fifths'], { four_fifths: null }],
])('%j has the errors %j, and is saved with %j', (change, pointers, saved) => {
  const inputs = { ...NONE, ...change };
  expect(Object.keys(specialFaults(inputs, population))).toEqual(pointers);
  expect(consistentInputs(inputs, population)).toEqual({ ...inputs, ...saved });
  expect(specialFaults({ ...inputs, ...saved }, population)).toEqual({});
});
