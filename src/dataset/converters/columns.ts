/**
 * Converts the columns of a table to features: determines the kind of each feature, and leaves out unsuitable columns.
 */

import { AppError } from '../../lib/errors.ts';
import type { Feature } from '../features.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import type { TypedColumn, TypedValue } from './typed-columns.ts';

/** A column that became a feature. */
export interface FeatureColumn extends Feature {
  /** The separator between the tokens of a list. */
  readonly separator: string;
  /** How to read the values if an option sets the column's type. */
  readonly typed?: TypedColumn;
}

/** A value in a record of a data set. */
export type RecordValue = string | readonly string[] | TypedValue;

/** The columns that became features, and for each other column, a sentence that says why it was left out. */
export interface Columns {
  readonly features: readonly FeatureColumn[];
  readonly leftOut: readonly string[];
}

/** Upper limit of a list feature's `max_length`. Below this limit, `max_length` is the length of the longest list. */
const MAXIMUM_LENGTH = 50;
/** Maximum number of tokens in a list, and of bytes in a token. */
const MAXIMUM_TOKENS = 4096;
const MAXIMUM_TOKEN_BYTES = 1024;
/** Number of rows, from the start of a table, in which distinct values are counted. */
const COUNTED_ROWS = 100_000;
/** Minimum number of rows for a column whose values are nearly all different to count as ids, names or free text. */
const ROWS_OF_IDS = 20;
const SHARE_OF_IDS = 0.9;
/** Names of characteristics by which an audience should not be chosen. */
const SENSITIVE = /^(age|gender|sex|marriagestatus|marital_?status|religion|ethnicity|race)$/i;

/** Determines from a column's values whether the column is a feature, and the feature's kind. */
export class ColumnSurvey {
  readonly name: string;
  readonly #separator: string;
  readonly #different = new Set<string>();
  #filled = 0;
  #longest = 0;
  #isMulti = false;
  #hasLongToken = false;
  readonly #typed: TypedColumn | null;
  #size = 0;

  constructor(name: string, separator: string, typed: TypedColumn | null = null) {
    this.name = name;
    this.#separator = separator;
    this.#typed = typed;
  }

  /**
   * Adds a value. Errors: AppError `invalid_data`, naming file:line, for a value that does not match the column's given
   * type.
   */
  add(value: Value, path = '', line = 0): void {
    if (this.#typed) {
      this.#addTyped(this.#typed, value, path, line);
      return;
    }
    const tokens = tokensOf(value, this.#separator);
    if (tokens.length === 0) return;
    this.#filled++;
    if (tokens.length > 1 || typeof value !== 'string') this.#isMulti = true;
    this.#longest = Math.max(this.#longest, tokens.length);
    for (const token of tokens) {
      if (3 * token.length > MAXIMUM_TOKEN_BYTES && Buffer.byteLength(token) > MAXIMUM_TOKEN_BYTES)
        this.#hasLongToken = true;
      if (this.#filled <= COUNTED_ROWS) this.#different.add(token);
    }
  }

  /** The feature, or the reason why the column is not a feature. */
  finish(): FeatureColumn | string {
    if (this.#typed) return this.#finishTyped(this.#typed);
    const rows = Math.min(this.#filled, COUNTED_ROWS);
    if (rows === 0) return 'the column is empty';
    if (this.#hasLongToken) return `the column has values longer than ${MAXIMUM_TOKEN_BYTES} bytes`;
    if (this.#different.size === 1) return 'the column has the same value in all rows';
    if (!this.#isMulti && rows >= ROWS_OF_IDS && this.#different.size >= SHARE_OF_IDS * rows)
      return 'nearly every row has a different value (an id, a name, a precise number)';
    const { name } = this;
    const sensitive = SENSITIVE.test(name) ? { sensitive: true } : {};
    if (!this.#isMulti) return { name, kind: 'single', separator: this.#separator, ...sensitive };
    const maxLength = Math.min(this.#longest, MAXIMUM_LENGTH);
    return { name, kind: 'multi', maxLength, separator: this.#separator, ...sensitive };
  }

  #addTyped(typed: TypedColumn, value: Value, path: string, line: number): void {
    const read = typed.read(value, path, line);
    if (read === null) return;
    this.#filled++;
    if (typeof read === 'number') return;
    if (typed.kind === 'vector' && this.#size !== 0 && read.length !== this.#size)
      throw lineError(path, line, `${this.name} has ${read.length} numbers, but the first vector has ${this.#size}`);
    this.#size = Math.max(this.#size, read.length);
  }

  #finishTyped(typed: TypedColumn): FeatureColumn | string {
    if (this.#filled === 0 || (typed.kind !== 'number' && this.#size === 0)) return 'the column is empty';
    const { name } = this;
    const sensitive = SENSITIVE.test(name) ? { sensitive: true } : {};
    const size = typed.kind === 'vector' ? { size: this.#size } : {};
    const most = typed.kind === 'multi' ? { maxLength: Math.min(this.#size, MAXIMUM_LENGTH) } : {};
    return { name, kind: typed.kind, separator: this.#separator, typed, ...size, ...most, ...sensitive };
  }
}

/** The features that surveys found, in the order of the surveys. `what` names the table. */
export function finishSurveys(surveys: Iterable<ColumnSurvey>, what: string): Columns {
  const features: FeatureColumn[] = [];
  const leftOut: string[] = [];
  for (const survey of surveys) {
    const found = survey.finish();
    if (typeof found === 'string') leftOut.push(`${what} ${JSON.stringify(survey.name)} is not a feature: ${found}`);
    else features.push(found);
  }
  return { features, leftOut };
}

/** A value for a record of a data set: text or null, or a list for a multi-valued feature. */
export function recordValue(value: Value, { kind, separator, typed }: FeatureColumn): RecordValue {
  if (typed) return typed.read(value, '', 0);
  const tokens = tokensOf(value, separator);
  if (kind === 'single') return tokens[0] ?? null;
  return tokens.length > MAXIMUM_TOKENS ? tokens.slice(0, MAXIMUM_TOKENS) : tokens;
}

/** A feature as `dataset.json` describes it. */
export function describeFeature({ name, kind, maxLength, size, sensitive }: Feature): object {
  const length = { ...(maxLength ? { max_length: maxLength } : {}), ...(size ? { size } : {}) };
  return { name, kind, ...length, ...(sensitive ? { sensitive } : {}) };
}

/**
 * Throws AppError `invalid_argument` if `source` lacks the column or cannot read it. `option` is the option that names
 * the column.
 */
export function requireColumn(source: RowSource, name: string, option: string): void {
  const why = source.unreadable?.get(name);
  if (why !== undefined)
    throw new AppError('invalid_argument', `${option}: ${source.path}: column ${JSON.stringify(name)} is ${why}`);
  if (source.columns.includes(name)) return;
  throw new AppError(
    'invalid_argument',
    `${option}: ${source.path} has no column ${JSON.stringify(name)}; it has ${source.columns.join(', ')}`,
  );
}

function tokensOf(value: Value, separator: string): readonly string[] {
  if (value === null) return [];
  const parts = typeof value !== 'string' ? value : value.includes(separator) ? value.split(separator) : [value];
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
