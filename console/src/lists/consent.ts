/** The legal bases for processing the people on a list. */
import type { UserSet } from '../api/types.ts';

export type ConsentBasis = NonNullable<UserSet['consent_basis']>;

const TEXTS: Readonly<Record<ConsentBasis, string>> = {
  consent: 'Consent',
  legitimate_interest: 'Legitimate interest',
  contract: 'Contract',
  legal_obligation: 'Legal obligation',
};

/** The options of the field. The empty value means no basis. */
export const CONSENT_OPTIONS = [
  { value: '', label: 'Not stated' },
  ...Object.entries(TEXTS).map(([value, label]) => ({ value, label })),
];

export function consentText(basis: ConsentBasis | null): string {
  return basis === null ? 'Not stated' : TEXTS[basis];
}
