/** Rows of a store, in the form that both dialects share. */
import type { Row, Table, Value } from './tables.ts';

export interface Column {
  readonly name: string;
  /** How the value is stored in Postgres: `bigint`, `text`, `json`, `boolean` or `double precision`. */
  readonly type: string;
}

/** A table with the columns that are copied. */
export interface CopiedTable extends Table {
  readonly columns: readonly Column[];
}

export interface RowReader {
  /** The rows after those with the key `after`, in the order of the key. With null, the first rows. */
  read(table: CopiedTable, after: readonly Value[] | null, most: number): Promise<Row[]>;
  /** The highest numbers that tables have given to rows. */
  sequences(): Promise<ReadonlyMap<string, number>>;
}

export interface RowStore extends RowReader {
  /** Adds rows, unless they exist; the row of a `isSingle` table is replaced. All are durable afterwards, or none. */
  insert(table: CopiedTable, rows: readonly Row[]): Promise<void>;
  /** The highest value of the first column of the key; null if there are no rows. */
  highest(table: CopiedTable): Promise<number | null>;
  clear(table: CopiedTable): Promise<void>;
  setSequences(values: ReadonlyMap<string, number>): Promise<void>;
}

/** The key of a row. */
export function keyOf({ columns, key }: CopiedTable, row: Row): Value[] {
  return key.map((name) => row[columns.findIndex((column) => column.name === name)]!);
}

/** SQL for the condition and order of `RowReader.read`; `@k0` and so on are the values of `after`. */
export function pageClause({ key }: Table, isFirst: boolean): string {
  const condition = isFirst ? '' : `WHERE (${key.join(', ')}) > (${key.map((_, i) => `@k${i}`).join(', ')})`;
  return `${condition} ORDER BY ${key.join(', ')} LIMIT @most`;
}

/** The bound values of `pageClause`. */
export function pageValues(after: readonly Value[] | null, most: number): Record<string, Value> {
  return { most, ...Object.fromEntries((after ?? []).map((value, i) => [`k${i}`, value])) };
}

/** SQL for rows that exist when they are inserted. */
export function conflictClause({ isSingle, key, columns }: CopiedTable): string {
  if (!isSingle) return 'ON CONFLICT DO NOTHING';
  const changes = columns.map(({ name }) => `${name} = excluded.${name}`);
  return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changes.join(', ')}`;
}
