/** Statements on one connection. */
import type Sqlite from 'better-sqlite3';
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import { SQLITE } from '../../sql/dialect.ts';
import { Json } from '../../sql/json.ts';
import type { Bound, RowReference, Sql } from '../../sql/sql.ts';
import { deleting, findDamaged } from './damaged-rows.ts';
import { openReader, readError } from './database.ts';
import type { Connection, Bound as Stored } from './driver.ts';

/** Runs statements. Each method has done its work when it returns its promise. */
export class ConnectionSql implements Sql {
  readonly dialect = SQLITE;
  readonly #connection: Connection;
  readonly #statements: Statements;
  readonly #onDamagedRow: (row: DamagedRow) => void;

  constructor(connection: Connection, onDamagedRow: (row: DamagedRow) => void = () => {}) {
    this.#connection = connection;
    this.#statements = new Statements(connection);
    this.#onDamagedRow = onDamagedRow;
  }

  async all<T extends object>(text: string, values?: Bound): Promise<T[]> {
    return this.#do(text, () => this.#statements.of(text).all(toBound(values)) as T[]);
  }

  async get<T extends object>(text: string, values?: Bound): Promise<T | undefined> {
    return this.#do(text, () => this.#statements.of(text).get(toBound(values)) as T | undefined);
  }

  async run(text: string, values?: Bound): Promise<number> {
    return this.#do(text, () => this.#statements.of(text).run(toBound(values)).changes);
  }

  async findDamaged(references: readonly RowReference[]): Promise<DamagedRow | null> {
    const row = findDamaged(this.#connection, references);
    if (row !== null) this.#onDamagedRow(row);
    return row;
  }

  /** Runs a statement. A DELETE also removes rows that are missing from an index. */
  #do<T>(text: string, statement: () => T): T {
    const deleted = /^\s*DELETE FROM (\w+)/.exec(text)?.[1];
    try {
      return deleted === undefined ? statement() : deleting(this.#connection, deleted, statement);
    } catch (error) {
      throw readError(this.#connection.name, error);
    }
  }
}

/** Runs `work` on one consistent state of the database at `path`, on a separate connection. */
export async function readState<T>(
  path: string,
  work: (state: Sql) => Promise<T>,
  onDamagedRow: (row: DamagedRow) => void = () => {},
): Promise<T> {
  const connection = openReader(path);
  try {
    connection.exec('BEGIN');
    return await work(new ConnectionSql(connection, onDamagedRow));
  } finally {
    connection.close();
  }
}

type Statement = Sqlite.Statement<[parameters?: Stored]>;

/** Maximum number of prepared statements. There are few, because all statements are in the code. */
const MOST_STATEMENTS = 1_000;

/** Prepared statements by their text: preparing a statement takes five times as long as running it. */
class Statements {
  readonly #connection: Connection;
  readonly #prepared = new Map<string, Statement>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  of(text: string): Statement {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      if (this.#prepared.size >= MOST_STATEMENTS) this.#prepared.clear();
      statement = this.#connection.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }
}

/** Converts values to types that SQLite can bind: booleans become 0 or 1, and lists become JSON. */
function toBound(values: Bound = {}): Record<string, string | number | null> {
  const bound: Record<string, string | number | null> = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'boolean') bound[name] = value ? 1 : 0;
    else if (value instanceof Json) bound[name] = value.text;
    else bound[name] = typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  }
  return bound;
}
