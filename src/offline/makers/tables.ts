/** Tables of users and of items beside a log: their columns as features. */
import { lineError } from '../../dataset/lines.ts';
import type { RowSource, Value } from '../../dataset/row-source.ts';
import type { TextTable } from '../../population/text-table.ts';
import {
  ColumnSurvey,
  type Columns,
  type FeatureColumn,
  finishSurveys,
  recordValue,
  requireColumn,
} from './columns.ts';
import { numberOf } from './ids.ts';
import type { OnProgress } from './made.ts';

export interface TableOptions {
  /** The column of ids. */
  readonly id: string;
  /** Columns that are no features. */
  readonly leaveOut: readonly string[];
  readonly separator: string;
  readonly onProgress: OnProgress;
}

export interface UserTable extends Columns {
  readonly source: RowSource;
  readonly id: string;
  /** How many users the table has. */
  readonly count: number;
  /** Users of it who were not in the log. */
  readonly fresh: number;
}

/** Reads a table of users once: its ids get numbers in `users`, its columns become features. */
export async function surveyUsers(source: RowSource, users: TextTable, options: TableOptions): Promise<UserTable> {
  const { id, onProgress, separator } = options;
  requireColumn(source, id, '--users');
  const names = featureNames(source, options);
  const surveys = names.map((name) => new ColumnSurvey(name, separator));
  const known = users.count;
  const seen = new Seen();
  let count = 0;
  for await (const rows of source.read([id, ...names])) {
    for (const { line, values } of rows) {
      seen.add(numberOf(users, idOf(values[0]!, id, source, line), source.path, line), id, source, line);
      for (let i = 0; i < surveys.length; i++) surveys[i]!.add(values[i + 1]!);
    }
    count += rows.length;
    onProgress(`reading ${source.path}: ${count} users`);
  }
  return { ...finishSurveys(surveys, 'column of users'), source, id, count, fresh: users.count - known };
}

export interface ItemTable extends Columns {
  /** The features of a campaign's record; none of an item that the table lacks. */
  recordOf(item: number): Readonly<Record<string, string | null | readonly string[]>>;
  /** Wanted items that the table lacks. */
  readonly missing: number;
}

/** Reads the rows of `wanted` items of a table, which are kept; their columns become features. */
export async function readItems(
  source: RowSource,
  items: TextTable,
  wanted: ReadonlySet<number>,
  options: TableOptions,
): Promise<ItemTable> {
  const { id, onProgress, separator } = options;
  requireColumn(source, id, '--items');
  const names = featureNames(source, options);
  const found = new Map<number, readonly Value[]>();
  let count = 0;
  for await (const rows of source.read([id, ...names])) {
    for (const { line, values } of rows) {
      const item = items.find(idOf(values[0]!, id, source, line));
      if (!wanted.has(item)) continue;
      if (found.has(item)) throw twice(id, source, line);
      found.set(item, values.slice(1));
    }
    count += rows.length;
    onProgress(`reading ${source.path}: ${count} items`);
  }
  const surveys = names.map((name) => new ColumnSurvey(name, separator));
  for (const values of found.values()) for (let i = 0; i < surveys.length; i++) surveys[i]!.add(values[i]!);
  const columns = finishSurveys(surveys, 'column of items');
  const places = new Map(columns.features.map((feature) => [feature, names.indexOf(feature.name)]));
  const recordOf = (item: number) => {
    const values = found.get(item);
    if (!values) return {};
    return Object.fromEntries(
      [...places].map(([feature, place]) => [feature.name, recordValue(values[place]!, feature)]),
    );
  };
  return { ...columns, recordOf, missing: wanted.size - found.size };
}

/** The values of a row as members of a record, in the order of `features`. */
export function recordMembers(
  features: readonly FeatureColumn[],
  values: readonly Value[],
): [string, string | null | readonly string[]][] {
  return features.map((feature, i) => [feature.name, recordValue(values[i] ?? null, feature)]);
}

function featureNames(source: RowSource, { id, leaveOut }: TableOptions): string[] {
  return source.columns.filter((name) => name !== id && !leaveOut.includes(name));
}

/** The id of a row. Errors: AppError `invalid_data`, naming file:line. */
function idOf(value: Value, column: string, source: RowSource, line: number): string {
  if (typeof value === 'string') return value;
  throw lineError(source.path, line, `${JSON.stringify(column)} is ${value === null ? 'empty' : 'a list'}`);
}

function twice(column: string, source: RowSource, line: number) {
  return lineError(source.path, line, `the ${JSON.stringify(column)} was there before`);
}

/** Which numbers were there before. */
class Seen {
  #flags = new Uint8Array(1024);

  add(number: number, column: string, source: RowSource, line: number): void {
    if (number >= this.#flags.length) {
      const grown = new Uint8Array(2 * number);
      grown.set(this.#flags);
      this.#flags = grown;
    }
    if (this.#flags[number]) throw twice(column, source, line);
    this.#flags[number] = 1;
  }
}
