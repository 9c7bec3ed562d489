/**
 * The definition of a limit: a row in the `limits.ts` of the module that enforces it. The number is written nowhere
 * else.
 */

export interface Limit {
  /** The default value. */
  readonly value: number;
  readonly unit: string;
  /** A sentence: what is counted, and what happens beyond the limit. */
  readonly description: string;
  /** Whether an operator may set it; otherwise it is a constant. */
  readonly isSetting: boolean;
  /** The smallest and the largest value of a setting. */
  readonly least: number;
  readonly most: number;
  /** Whether `GET /v1/limits` lists it. */
  readonly published: boolean;
}

interface Options {
  readonly least?: number;
  readonly most?: number;
  readonly published?: boolean;
}

/** Rows by name, which ends in the unit if that is bytes or a time. */
export type LimitRows = Readonly<Record<string, Limit>>;

/** The values of limits by name. */
export type LimitValues<Rows extends LimitRows> = { readonly [Name in keyof Rows]: number };

/** A limit that operators have reason to set; docs/configuration.md gives the reason. */
export function setting(value: number, unit: string, description: string, options: Options = {}): Limit {
  const { least = 1, most = 2 ** 40, published = false } = options;
  return { value, unit, description, isSetting: true, least, most, published };
}

/** A limit that only tests change, through an argument. */
export function fixed(
  value: number,
  unit: string,
  description: string,
  options: Pick<Options, 'published'> = {},
): Limit {
  const { published = false } = options;
  return { value, unit, description, isSetting: false, least: value, most: value, published };
}

export function valuesOf<Rows extends LimitRows>(rows: Rows): LimitValues<Rows> {
  const values = Object.entries(rows).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(values) as { [Name in keyof Rows]: number };
}

/** `bodyLimitBytes` becomes METAHEAC_BODY_LIMIT_BYTES. */
export function variableOf(name: string): string {
  return `METAHEAC_${snakeCase(name).toUpperCase()}`;
}

/** `bodyLimitBytes` becomes body_limit_bytes. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
