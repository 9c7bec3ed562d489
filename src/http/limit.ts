/**
 * The definition of a limit: one row of the `limits.ts` beside the routes that enforce it, and nothing anywhere else.
 */

/** The name of a row ends in its unit if that is bytes or a time. */
export interface Limit {
  readonly default: number;
  readonly unit: string;
  /** A sentence: what is counted, and what happens beyond the limit. */
  readonly description: string;
  /** 1 by default. */
  readonly least?: number;
  readonly most?: number;
  /** Whether `GET /v1/limits` lists it: if an operator may have reason to change it, or a client must respect it. */
  readonly published?: true;
}

export type LimitRows = Readonly<Record<string, Limit>>;

/** The values of limits by name. */
export type LimitValues<Rows extends LimitRows> = { readonly [Name in keyof Rows]: number };
