/**
 * The table of feature kinds. Properties that only one other folder needs are in a table in that folder, which also has
 * a row for every kind: `population/kinds` (files), `dataset/campaign-values.ts`, `model/feature-schemas.ts`.
 */

/**
 * The layout of a feature's values in memory, in a segment and in a model's inputs: one code per row, a list of codes,
 * one float32, or `size` float32s. Encoding, coverage and statistics work on columns, not on kinds.
 */
export type ColumnKind = 'single' | 'multi' | 'number' | 'vector';

type CampaignValue = string | number | readonly string[] | readonly number[];

export interface KindRow {
  readonly column: ColumnKind;
  /**
   * The form of a filter: a list of tokens, or a minimum and a maximum. Null if users cannot be filtered by features of
   * this kind.
   */
  readonly filter: 'tokens' | 'range' | null;
  /** What an explanation counts: tokens, or bands of numbers. Null if an explanation only compares means. */
  readonly explain: 'tokens' | 'bands' | null;
  /**
   * Returns the reason why the API rejects a campaign's value; null if the API accepts the value. `size` is the length
   * of a vector.
   */
  readonly refuse: (value: CampaignValue, size: number | undefined) => string | null;
}

const isNumber = (item: unknown) => typeof item === 'number';

const KINDS_TABLE = {
  /** A feature with one token. */
  single: {
    column: 'single',
    filter: 'tokens',
    explain: 'tokens',
    refuse: (value) => (typeof value === 'string' ? null : 'a single string is expected'),
  },
  /** A feature with a list of tokens. */
  multi: {
    column: 'multi',
    filter: 'tokens',
    explain: 'tokens',
    refuse: (value) =>
      Array.isArray(value) && (value.length === 0 || !value.every(isNumber)) ? null : 'a list of strings is expected',
  },
  /** A feature with one number. */
  number: {
    column: 'number',
    filter: 'range',
    explain: 'bands',
    refuse: (value) => (isNumber(value) ? null : 'a number is expected'),
  },
  /** A feature with a fixed number of numbers. */
  vector: {
    column: 'vector',
    filter: null,
    explain: null,
    refuse: (value, size) =>
      Array.isArray(value) && value.length === size && value.every(isNumber)
        ? null
        : `a list of ${size} numbers is expected`,
  },
} as const satisfies { readonly [kind: string]: KindRow };

export type FeatureKind = keyof typeof KINDS_TABLE;

export const KINDS: { readonly [K in FeatureKind]: KindRow } = KINDS_TABLE;

export const FEATURE_KINDS = Object.keys(KINDS) as [FeatureKind, ...FeatureKind[]];

export function columnOf(kind: FeatureKind): ColumnKind {
  return KINDS[kind].column;
}

/** Whether the values of a kind are tokens of a dictionary. */
export function hasTokens(kind: FeatureKind): boolean {
  const column = columnOf(kind);
  return column === 'single' || column === 'multi';
}
