/**
 * What the value of a user's or a campaign's feature is: `single` has one token, `multi` a list of them, `number` one
 * number, `vector` as many numbers as its size says.
 */
export const FEATURE_KINDS = ['single', 'multi', 'number', 'vector'] as const;

export type FeatureKind = (typeof FEATURE_KINDS)[number];

/** The kinds whose values are tokens of a dictionary. */
export type TokenKind = Extract<FeatureKind, 'single' | 'multi'>;

export function hasTokens(kind: FeatureKind): kind is TokenKind {
  return kind === 'single' || kind === 'multi';
}
