/** The schema of a population: which features its users have, and of what kind. */
/** One feature of a user or a campaign: `single` has one token, `multi` a list of them. */
export interface Feature {
  readonly name: string;
  readonly kind: 'single' | 'multi';
  /** How many tokens a model reads of a list; a population stores all of them. */
  readonly maxLength?: number;
}
