/** The legal bases on which the people of a list may be processed. */
import type { UserSet } from '../api/types.ts';

export type ConsentBasis = NonNullable<UserSet['consent_basis']>;

const TEXTS: Readonly<Record<ConsentBasis, string>> = {
  consent: 'Consent',
  legitimate_interest: 'Legitimate interest',
  contract: 'Contract',
  legal_obligation: 'Legal obligation',
};

/** The choices of a field. The value of no basis is empty. */
export const CONSENT_OPTIONS = [
  { value: '', label: 'Not stated' },
  ...Object.entries(TEXTS).map(([value, label]) => ({ value, label })),
];

export function consentText(basis: ConsentBasis | null): string {
  return basis === null ? 'Not stated' : TEXTS[basis];
}
