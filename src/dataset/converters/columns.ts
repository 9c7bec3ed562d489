/** Columns of somebody's table as features: of what kind they are, and which are none. */

import { AppError } from '../../lib/errors.ts';
import type { Feature } from '../features.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import type { TypedColumn, TypedValue } from './typed-columns.ts';

/** A column that became a feature. */
export interface FeatureColumn extends Feature {
  /** What stands between the tokens of a text. */
  readonly separator: string;
  /** How its values are read where it is said what they are. */
  readonly typed?: TypedColumn;
}

/** A value as a record of a data set has it. */
export type RecordValue = string | readonly string[] | TypedValue;

/** Columns that are features, and sentences of those that are none. */
export interface Columns {
  readonly features: readonly FeatureColumn[];
  readonly leftOut: readonly string[];
}

/** A list is read by a model up to its longest, and up to this. */
const MAXIMUM_LENGTH = 50;
/** Most tokens of a list, and bytes of a token, that a data set may have. */
const MAXIMUM_TOKENS = 4096;
const MAXIMUM_TOKEN_BYTES = 1024;
/** Different values are counted in so many first rows. */
const COUNTED_ROWS = 100_000;
/** From so many rows on, a column of which nearly every row has a value of its own is an id, a name or free text. */
const ROWS_OF_IDS = 20;
const SHARE_OF_IDS = 0.9;
/** Characteristics that audiences should not choose by. */
const SENSITIVE = /^(age|gender|sex|marriagestatus|marital_?status|religion|ethnicity|race)$/i;

/** Learns from the values of one column what it is. */
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

  /** Errors: AppError `invalid_data`, naming file:line, for a value that is not what is said of the column. */
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

  /** The feature, or why it is none. */
  finish(): FeatureColumn | string {
    if (this.#typed) return this.#finishTyped(this.#typed);
    const rows = Math.min(this.#filled, COUNTED_ROWS);
    if (rows === 0) return 'it is empty';
    if (this.#hasLongToken) return `it has texts of more than ${MAXIMUM_TOKEN_BYTES} bytes`;
    if (this.#different.size === 1) return 'it says the same everywhere';
    if (!this.#isMulti && rows >= ROWS_OF_IDS && this.#different.size >= SHARE_OF_IDS * rows)
      return 'nearly every row has a value of its own (an id, a name, a fine number)';
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
      throw lineError(path, line, `${this.name} has ${read.length} numbers, the first vector ${this.#size}`);
    this.#size = Math.max(this.#size, read.length);
  }

  #finishTyped(typed: TypedColumn): FeatureColumn | string {
    if (this.#filled === 0 || (typed.kind !== 'number' && this.#size === 0)) return 'it is empty';
    const { name } = this;
    const sensitive = SENSITIVE.test(name) ? { sensitive: true } : {};
    const size = typed.kind === 'vector' ? { size: this.#size } : {};
    const most = typed.kind === 'multi' ? { maxLength: Math.min(this.#size, MAXIMUM_LENGTH) } : {};
    return { name, kind: typed.kind, separator: this.#separator, typed, ...size, ...most, ...sensitive };
  }
}

/** What surveys found, in their order; `what` names the table. */
export function finishSurveys(surveys: Iterable<ColumnSurvey>, what: string): Columns {
  const features: FeatureColumn[] = [];
  const leftOut: string[] = [];
  for (const survey of surveys) {
    const found = survey.finish();
    if (typeof found === 'string') leftOut.push(`${what} ${JSON.stringify(survey.name)} is no feature: ${found}`);
    else features.push(found);
  }
  return { features, leftOut };
}

/** A value as a record of a data set has it: a text or null, a list for a multi feature. */
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
 * Refuses (AppError `invalid_argument`) a column that `source` has not, or that holds what cannot be read; `option`
 * asked for it.
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
