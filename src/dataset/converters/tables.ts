/** Reads the tables of users and items that accompany a log, and converts their columns to features. */

import { FULL, ILL_FORMED, type TextTable, TOO_LONG } from '../../lib/text/text-table.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import {
  ColumnSurvey,
  type Columns,
  type FeatureColumn,
  finishSurveys,
  type RecordValue,
  recordValue,
  requireColumn,
} from './columns.ts';
import type { OnProgress } from './new-data-set.ts';
import { type ColumnTypes, typedColumn } from './typed-columns.ts';

export interface TableOptions {
  /** The column of ids. */
  readonly id: string;
  /** Columns that do not become features. */
  readonly leaveOut: readonly string[];
  readonly separator: string;
  /** The column types that options set. */
  readonly types: ColumnTypes;
  readonly onProgress: OnProgress;
}

export interface UserTable extends Columns {
  readonly source: RowSource;
  readonly id: string;
  /** Number of users in the table. */
  readonly count: number;
  /** Number of users in the table who are not in the log. */
  readonly fresh: number;
}

/** Reads a table of users once. Ids get numbers in `users`, and columns become features. */
export async function surveyUsers(source: RowSource, users: TextTable, options: TableOptions): Promise<UserTable> {
  const { id, onProgress } = options;
  requireColumn(source, id, '--users');
  const names = featureNames(source, options);
  const surveys = await openSurveys(source, names, options);
  const known = users.count;
  const seen = new Seen();
  let count = 0;
  for await (const rows of source.read([id, ...names])) {
    for (const { line, values } of rows) {
      const text = idOf(values[0]!, id, source, line);
      const before = seen.add(numberOf(users, text, source.path, line), line);
      if (before !== null) throw twice(id, text, before, source, line);
      for (let i = 0; i < surveys.length; i++) surveys[i]!.add(values[i + 1]!, source.path, line);
    }
    count += rows.length;
    onProgress(`reading ${source.path}: ${count} users`);
  }
  const { features, leftOut } = finishSurveys(surveys, 'column of users');
  const all = [...leftOut, ...unreadable(source, options, 'column of users')];
  return { features, leftOut: all, source, id, count, fresh: users.count - known };
}

export interface ItemTable extends Columns {
  /** The features in an item's record; empty for an item that is missing from the table. */
  recordOf(item: number): Readonly<Record<string, RecordValue>>;
  /** Number of wanted items that are missing from the table. */
  readonly missing: number;
}

/** Reads and keeps a table's rows for the `wanted` items. Columns become features. */
export async function readItems(
  source: RowSource,
  items: TextTable,
  wanted: ReadonlySet<number>,
  options: TableOptions,
): Promise<ItemTable> {
  const { id, onProgress } = options;
  requireColumn(source, id, '--items');
  const names = featureNames(source, options);
  const found = new Map<number, { readonly line: number; readonly values: readonly Value[] }>();
  let count = 0;
  for await (const rows of source.read([id, ...names])) {
    for (const { line, values } of rows) {
      const text = idOf(values[0]!, id, source, line);
      const item = items.find(text);
      if (!wanted.has(item)) continue;
      const before = found.get(item);
      if (before) throw twice(id, text, before.line, source, line);
      found.set(item, { line, values: values.slice(1) });
    }
    count += rows.length;
    onProgress(`reading ${source.path}: ${count} items`);
  }
  const surveys = await openSurveys(source, names, options);
  for (const { line, values } of found.values())
    for (let i = 0; i < surveys.length; i++) surveys[i]!.add(values[i]!, source.path, line);
  const { features, leftOut } = finishSurveys(surveys, 'column of items');
  const columns = { features, leftOut: [...leftOut, ...unreadable(source, options, 'column of items')] };
  const places = new Map(columns.features.map((feature) => [feature, names.indexOf(feature.name)]));
  const recordOf = (item: number) => {
    const values = found.get(item)?.values;
    if (!values) return {};
    return Object.fromEntries(
      [...places].map(([feature, place]) => [feature.name, recordValue(values[place]!, feature)]),
    );
  };
  return { ...columns, recordOf, missing: wanted.size - found.size };
}

/** The names and values that a row adds to a record, in the order of `features`. */
export function recordMembers(features: readonly FeatureColumn[], values: readonly Value[]): [string, RecordValue][] {
  return features.map((feature, i) => [feature.name, recordValue(values[i] ?? null, feature)]);
}

function featureNames(source: RowSource, { id, leaveOut }: TableOptions): string[] {
  return source.columns.filter((name) => name !== id && !leaveOut.includes(name) && !source.unreadable?.has(name));
}

function unreadable({ unreadable: columns }: RowSource, { leaveOut }: TableOptions, what: string): string[] {
  const named = [...(columns ?? [])].filter(([name]) => !leaveOut.includes(name));
  return named.map(([name, why]) => `${what} ${JSON.stringify(name)} is not a feature because it is ${why}`);
}

async function openSurveys(
  source: RowSource,
  names: readonly string[],
  { types, separator }: TableOptions,
): Promise<ColumnSurvey[]> {
  const surveys: ColumnSurvey[] = [];
  for (const name of names)
    surveys.push(new ColumnSurvey(name, separator, await typedColumn(source, name, types, separator)));
  return surveys;
}

/** Maximum length of an id, in bytes of UTF-8. */
const MAXIMUM_ID_BYTES = 256;

const FAULTS: Readonly<Record<number, string>> = {
  [TOO_LONG]: `the id is longer than ${MAXIMUM_ID_BYTES} bytes`,
  [ILL_FORMED]: 'the id has a lone surrogate',
  [FULL]: 'there are more different ids than a table can hold',
};

/** Returns the number of an id; an unknown id gets a new number. Errors: AppError `invalid_data`, naming file:line. */
export function numberOf(table: TextTable, id: string, path: string, line: number): number {
  const number = table.add(id, MAXIMUM_ID_BYTES);
  if (number < 0) throw lineError(path, line, FAULTS[number]!, { value: id.slice(0, 200) });
  return number;
}

/** The id of a row. Errors: AppError `invalid_data`, naming file:line. */
function idOf(value: Value, column: string, source: RowSource, line: number): string {
  if (typeof value === 'string') return value;
  throw lineError(source.path, line, `${JSON.stringify(column)} is ${value === null ? 'empty' : 'a list'}`);
}

function twice(column: string, id: string, before: number, source: RowSource, line: number) {
  const value = id.slice(0, 200);
  const message = `the ${JSON.stringify(column)} ${JSON.stringify(value)} appears twice, first in line ${before}`;
  return lineError(source.path, line, message, { value });
}

/** Stores the line on which each number was last seen. */
class Seen {
  #lines = new Float64Array(1024);

  /** Returns the line on which the number was seen before; null if the number is new. */
  add(number: number, line: number): number | null {
    if (number >= this.#lines.length) {
      const grown = new Float64Array(2 * number);
      grown.set(this.#lines);
      this.#lines = grown;
    }
    const before = this.#lines[number]!;
    this.#lines[number] = line;
    return before === 0 ? null : before;
  }
}
