/** Display and input of each kind of feature. A missing kind is a compile error. */
import type { CampaignInputs, CurrentPopulation } from '../api/types.ts';
import { readNumber } from '../ui/read-number.ts';

export type FeatureKind = CurrentPopulation['features'][number]['kind'];

type FeatureValue = NonNullable<CampaignInputs['features']>[string];

interface KindView {
  /** Label of the kind on the models page. */
  readonly label: string;
  /** Input for the value of a campaign: one or more known tokens, or text. */
  readonly input: 'token' | 'tokens' | { readonly inputMode: 'decimal' | 'text'; readonly hint?: string };
  /** Returns the value for the entered texts, none of which is blank. */
  readonly read: (given: readonly string[]) => FeatureValue;
  /** Kind of filter; null if users cannot be filtered by this kind of feature. */
  readonly filter: 'tokens' | 'range' | null;
}

export const KINDS: { readonly [K in FeatureKind]: KindView } = {
  single: { label: 'one value', input: 'token', read: (given) => given[0] ?? '', filter: 'tokens' },
  multi: { label: 'list', input: 'tokens', read: (given) => [...given], filter: 'tokens' },
  number: {
    label: 'number',
    input: { inputMode: 'decimal' },
    read: (given) => readNumber(given[0] ?? '') ?? Number.NaN,
    filter: 'range',
  },
  vector: {
    label: 'vector',
    input: { inputMode: 'text', hint: 'Numbers, separated by spaces.' },
    read: (given) => (given[0] ?? '').split(/[\s,;]+/).map(Number),
    filter: null,
  },
};
