/** Rows of the store of a cluster. */
import type { Database, Sql } from '../postgres/database/database.ts';
import { fromWritten, toWritten } from '../postgres/database/statement.ts';
import {
  type Column,
  type CopiedTable,
  conflictClause,
  pageClause,
  pageValues,
  type RowReader,
  type RowStore,
} from './row-store.ts';
import { NUMBERED, type Row, type Value } from './tables.ts';

export class PostgresReader implements RowReader {
  readonly #sql: Pick<Sql, 'all' | 'get'>;

  constructor(sql: Pick<Sql, 'all' | 'get'>) {
    this.#sql = sql;
  }

  /** The columns of all tables, by table. */
  async columns(): Promise<ReadonlyMap<string, readonly Column[]>> {
    const rows = await this.#sql.all<Column & { readonly table: string }>(
      `SELECT table_name AS table, column_name AS name, data_type AS type FROM information_schema.columns
       WHERE table_schema = current_schema() ORDER BY table_name, column_name`,
    );
    return Map.groupBy(rows, ({ table }) => table);
  }

  async read(table: CopiedTable, after: readonly Value[] | null, most: number): Promise<Row[]> {
    const names = table.columns.map(({ name, type }) => (type === 'json' ? `${name}::text AS ${name}` : name));
    const rows = await this.#sql.all<Record<string, Value | boolean>>(
      `SELECT ${names.join(', ')} FROM ${table.name} ${pageClause(table, after === null)}`,
      pageValues(after, most),
    );
    return rows.map((row) => table.columns.map(({ name, type }) => toShared(row[name]!, type)));
  }

  async sequences(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const name of NUMBERED) {
      const row = await this.#sql.get<{ readonly last: number; readonly isCalled: boolean }>(
        `SELECT last_value AS last, is_called AS "isCalled" FROM ${name}_number_seq`,
      );
      found.set(name, row!.isCalled ? row!.last : 0);
    }
    return found;
  }
}

export class PostgresRows extends PostgresReader implements RowStore {
  readonly #database: Database;

  constructor(database: Database) {
    super(database);
    this.#database = database;
  }

  async insert(table: CopiedTable, rows: readonly Row[]): Promise<void> {
    const { name, columns } = table;
    const names = columns.map((column) => column.name).join(', ');
    const lists = columns.map(({ type }, i) => `@c${i}::${type === 'json' ? 'text' : type}[]`);
    const selected = columns.map(({ type }, i) => (type === 'json' ? `v${i}::json` : `v${i}`));
    const bound = columns.map(({ type }, i) => [`c${i}`, rows.map((row) => toPostgres(row[i]!, type))]);
    await this.#database.write(
      (t) =>
        t.run(
          `INSERT INTO ${name} (${names}) SELECT ${selected.join(', ')}
           FROM unnest(${lists.join(', ')}) AS rows (${columns.map((_, i) => `v${i}`).join(', ')})
           ${conflictClause(table)}`,
          Object.fromEntries(bound),
        ),
      'readCommitted',
    );
  }

  async highest({ name, key }: CopiedTable): Promise<number | null> {
    const row = await this.#database.get<{ readonly highest: number | null }>(
      `SELECT max(${key[0]}) AS highest FROM ${name}`,
    );
    return row!.highest;
  }

  async clear({ name }: CopiedTable): Promise<void> {
    await this.#database.write((t) => t.run(`DELETE FROM ${name}`), 'readCommitted');
  }

  async setSequences(values: ReadonlyMap<string, number>): Promise<void> {
    await this.#database.write(async (t) => {
      for (const [name, last] of values)
        await t.all('SELECT setval(@sequence::regclass, greatest(@last::bigint, 1), @last::bigint > 0)', {
          sequence: `${name}_number_seq`,
          last,
        });
      await t.all(`SELECT setval('audit_reached', coalesce(max(reached_at), 0)) FROM audit_log`);
    }, 'readCommitted');
  }
}

function toShared(value: Value | boolean, type: string): Value {
  if (typeof value === 'boolean') return Number(value);
  return type === 'json' && typeof value === 'string' ? toWritten(value) : value;
}

function toPostgres(value: Value, type: string): Value | boolean {
  if (type === 'boolean' && value !== null) return value === 1;
  return type === 'json' && typeof value === 'string' ? fromWritten(value) : value;
}
