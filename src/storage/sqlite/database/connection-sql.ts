/**
 * Statements on one connection, and the comparison of rows with their checksums when they are read for a response. A
 * damaged row is reported and left out of lists; a request for that row fails.
 */
import type Sqlite from 'better-sqlite3';
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import { SQLITE } from '../../sql/dialect.ts';
import { Json } from '../../sql/json.ts';
import type { Bound, RowReference, Sql } from '../../sql/sql.ts';
import { openReader, readError } from './database.ts';
import { asKept, type Connection, type Bound as Stored } from './driver.ts';
import { hasSums, isCorrupt, keptSums, nameOf, selectOfRow } from './row-sums.ts';

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

const CHECKS = new WeakMap<Connection, RowCheck>();

/** The first damaged row among these rows. */
function findDamaged(connection: Connection, references: readonly RowReference[]): DamagedRow | null {
  let check = CHECKS.get(connection);
  if (check === undefined) {
    check = new RowCheck(connection);
    CHECKS.set(connection, check);
  }
  return check.find(references);
}

class RowCheck {
  readonly #database: Connection;
  /** The check of each table, prepared once. */
  readonly #selects = new Map<string, ReturnType<typeof selectOfRow>>();
  #hasSums: boolean | null = null;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** The first damaged row among these rows. */
  find(references: readonly RowReference[]): DamagedRow | null {
    this.#hasSums ??= hasSums(this.#database);
    if (!this.#hasSums) return null;
    for (const reference of references) {
      const id = reference === null ? null : this.#damageOf(...reference);
      if (id === null) continue;
      return { table: reference![0], id };
    }
    return null;
  }

  /** The name of a damaged row; null for an intact row. */
  #damageOf(table: string, key: Readonly<Record<string, string | number>>): string | null {
    let select = this.#selects.get(table);
    if (select === undefined) {
      select = selectOfRow(this.#database, table);
      this.#selects.set(table, select);
    }
    try {
      const row = select.get(key) as Record<string, unknown> | undefined;
      if (row?.['isWhole'] === 1) return null;
      if (row !== undefined) return nameOf(row);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
    // the key or the index is damaged, so the row was not found; its name contains only the numbers in the key, because
    // text may be a user id
    return Object.values(key)
      .filter((value) => typeof value === 'number')
      .join('/');
  }
}

/** Runs a statement that deletes rows of this table, inside the caller's transaction. */
function deleting<T>(database: Connection, table: string, action: () => T): T {
  const run = database.transaction(action);
  try {
    return run();
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
  return despiteDamage(database, table, run);
}

/**
 * Rebuilds the table's indexes after `action` has deleted rows that the indexes do not find. The remaining rows keep
 * their stored checksums, so other damaged rows are still detected.
 */
function despiteDamage<T>(database: Connection, table: string, action: () => T): T {
  return asKept(database, keptSums(database, table), () => {
    // only in this mode does SQLite tolerate rows that are missing from an index
    database.unsafeMode(true);
    database.pragma('writable_schema = ON');
    try {
      const result = action();
      database.exec(`REINDEX ${table}`);
      return result;
    } finally {
      database.pragma('writable_schema = OFF');
      database.unsafeMode(false);
    }
  });
}
