/** How each kind of feature is shown and entered. A missing row is a compile error. */
import type { CampaignInputs, CurrentPopulation } from '../api/types.ts';
import { readNumber } from '../ui/read-number.ts';

export type FeatureKind = CurrentPopulation['features'][number]['kind'];

type FeatureValue = NonNullable<CampaignInputs['features']>[string];

interface KindView {
  /** Its label on the models page. */
  readonly label: string;
  /** How a campaign's value is entered: one or more known tokens, or text. */
  readonly input: 'token' | 'tokens' | { readonly inputMode: 'decimal' | 'text'; readonly hint?: string };
  /** The value for the entered texts, none of which is blank. */
  readonly read: (given: readonly string[]) => FeatureValue;
  /** null if users cannot be filtered by it. */
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
