/**
 * The definition of limits. A limit is a row in the `limits.ts` of the module that enforces it, and its number is
 * written nowhere else.
 */

export interface Limit {
  /** The default value. */
  readonly value: number;
  readonly unit: string;
  /** A sentence that says what is limited and what happens beyond the limit. */
  readonly description: string;
  /** Whether an operator may set the limit. Otherwise, the limit is a constant. */
  readonly isSetting: boolean;
  /** The smallest and the largest value of a setting. */
  readonly least: number;
  readonly most: number;
  /** Whether `GET /v1/limits` lists the limit. */
  readonly published: boolean;
}

interface Options {
  readonly least?: number;
  readonly most?: number;
  readonly published?: boolean;
}

/** Limits by name. The name ends in the unit if the unit is bytes or a time. */
export type LimitRows = Readonly<Record<string, Limit>>;

/** The values of limits by name. */
export type LimitValues<Rows extends LimitRows> = { readonly [Name in keyof Rows]: number };

/** Defines a limit that operators may have reason to set. docs/configuration.md gives these reasons. */
export function setting(value: number, unit: string, description: string, options: Options = {}): Limit {
  const { least = 1, most = 2 ** 40, published = false } = options;
  return { value, unit, description, isSetting: true, least, most, published };
}

/** Defines a constant limit. Only tests change it, through an argument. */
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
