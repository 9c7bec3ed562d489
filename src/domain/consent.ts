/** Legal bases for processing the users of a list. */

export const CONSENT_BASES = ['consent', 'legitimate_interest', 'contract', 'legal_obligation'] as const;

export type ConsentBasis = (typeof CONSENT_BASES)[number];
