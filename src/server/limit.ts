/** What a limit is: one row of the `limits.ts` beside the routes that keep it, and nothing anywhere else. */

/** The name of a row ends in its unit where that is bytes or a time. */
export interface Limit {
  readonly default: number;
  readonly unit: string;
  /** A sentence: what is counted, and what becomes of more. */
  readonly description: string;
  /** 1 where nothing is said. */
  readonly least?: number;
  readonly most?: number;
  /** Whether `GET /v1/limits` has it: where an operator may have reason to change it, or a client has to keep it. */
  readonly published?: true;
}

export type LimitRows = Readonly<Record<string, Limit>>;

/** The values of limits by name. */
export type LimitValues<Rows extends LimitRows> = { readonly [Name in keyof Rows]: number };
