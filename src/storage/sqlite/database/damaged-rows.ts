/**
 * Compares rows with their checksums when they are read for a response. A damaged row is reported and left out of
 * lists; a request for that row fails.
 */
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import type { RowReference } from '../../sql/sql.ts';
import { asKept, type Connection } from './driver.ts';
import { hasSums, isCorrupt, keptSums, nameOf, selectOfRow } from './row-sums.ts';

const CHECKS = new WeakMap<Connection, RowCheck>();

/** The first damaged row among these rows. */
export function findDamaged(connection: Connection, references: readonly RowReference[]): DamagedRow | null {
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
export function deleting<T>(database: Connection, table: string, action: () => T): T {
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
