/** Rows of the embedded store. */
import { halvesReplaced } from '../postgres/database/statement.ts';
import { type Database, write } from '../sqlite/database/database.ts';
import { type CopiedTable, conflictClause, pageClause, pageValues, type RowStore } from './row-store.ts';
import { NUMBERED, type Row, type Value } from './tables.ts';

export class SqliteRows implements RowStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async read(table: CopiedTable, after: readonly Value[] | null, most: number): Promise<Row[]> {
    const names = table.columns.map(({ name }) => name).join(', ');
    const rows = this.#database
      .prepare(`SELECT ${names} FROM ${table.name} ${pageClause(table, after === null)}`)
      .raw()
      .all(pageValues(after, most)) as Value[][];
    for (const [i, { type }] of table.columns.entries()) {
      if (type !== 'json') continue;
      for (const row of rows) if (typeof row[i] === 'string') row[i] = halvesReplaced(row[i]);
    }
    return rows;
  }

  async sequences(): Promise<ReadonlyMap<string, number>> {
    const rows = this.#database.prepare('SELECT name, seq FROM sqlite_sequence').all() as {
      readonly name: string;
      readonly seq: number;
    }[];
    const found = new Map(rows.map(({ name, seq }) => [name, seq]));
    return new Map(NUMBERED.map((name) => [name, found.get(name) ?? 0]));
  }

  async insert(table: CopiedTable, rows: readonly Row[]): Promise<void> {
    const names = table.columns.map(({ name }) => name).join(', ');
    const bound = table.columns.map((_, i) => `@c${i}`).join(', ');
    write(this.#database, () => {
      const statement = this.#database.prepare(
        `INSERT INTO ${table.name} (${names}) VALUES (${bound}) ${conflictClause(table)}`,
      );
      for (const row of rows) statement.run(Object.fromEntries(row.map((value, i) => [`c${i}`, value])));
    });
  }

  async highest({ name, key }: CopiedTable): Promise<number | null> {
    return this.#database.prepare(`SELECT max(${key[0]}) FROM ${name}`).pluck().get() as number | null;
  }

  async clear({ name }: CopiedTable): Promise<void> {
    write(this.#database, () => this.#database.exec(`DELETE FROM ${name}`));
  }

  async setSequences(values: ReadonlyMap<string, number>): Promise<void> {
    write(this.#database, () => {
      for (const [name, seq] of values) {
        this.#database.prepare('DELETE FROM sqlite_sequence WHERE name = @name').run({ name });
        if (seq > 0) this.#database.prepare('INSERT INTO sqlite_sequence VALUES (@name, @seq)').run({ name, seq });
      }
    });
  }
}
