/** The legal bases on which the users of a list may be processed. */

export const CONSENT_BASES = ['consent', 'legitimate_interest', 'contract', 'legal_obligation'] as const;

export type ConsentBasis = (typeof CONSENT_BASES)[number];
