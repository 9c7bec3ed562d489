/**
 * Compares rows with their checksums when they are read for a response. A damaged row is reported and left out of
 * lists; a request for that row fails.
 */
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import { AppError } from '../../../lib/errors.ts';
import { asKept, type Database } from './driver.ts';
import { hasSums, isCorrupt, keptSums, nameOf, selectOfRow } from './row-sums.ts';

/** A row, by table and primary key; null if an outer join found no row. */
export type RowReference = readonly [table: string, key: Readonly<Record<string, string | number>>] | null;

type Report = (row: DamagedRow) => void;

const CHECKS = new WeakMap<Database, RowCheck>();

/** Registers `call`, which is called with each damaged row found by a read on this connection. */
export function onDamagedRow(database: Database, call: Report): void {
  checkOf(database).report = call;
}

/** Leaves out rows that refer to a damaged row. */
export function wholeRows<Row>(
  database: Database,
  rows: readonly Row[],
  referencesOf: (row: Row) => readonly RowReference[],
): Row[] {
  const check = checkOf(database);
  return rows.filter((row) => check.find(referencesOf(row)) === null);
}

/** Whether all of these rows are intact. */
export function areWhole(database: Database, references: readonly RowReference[]): boolean {
  return checkOf(database).find(references) === null;
}

/** @throws AppError database_damaged */
export function refuseDamaged(database: Database, references: readonly RowReference[]): void {
  const found = checkOf(database).find(references);
  if (found === null) return;
  const what = `row ${found.id} of ${found.table} is damaged (its checksum differs)`;
  throw new AppError('database_damaged', `${what}: restore a backup`, { facts: { table: found.table } });
}

class RowCheck {
  readonly #database: Database;
  /** The check of each table, prepared once. */
  readonly #selects = new Map<string, ReturnType<typeof selectOfRow>>();
  #hasSums: boolean | null = null;
  report: Report = () => {};

  constructor(database: Database) {
    this.#database = database;
  }

  /** The first damaged row among these rows. */
  find(references: readonly RowReference[]): DamagedRow | null {
    this.#hasSums ??= hasSums(this.#database);
    if (!this.#hasSums) return null;
    for (const reference of references) {
      const id = reference === null ? null : this.#damageOf(...reference);
      if (id === null) continue;
      const row = { table: reference![0], id };
      this.report(row);
      return row;
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

function checkOf(database: Database): RowCheck {
  let check = CHECKS.get(database);
  if (check === undefined) {
    check = new RowCheck(database);
    CHECKS.set(database, check);
  }
  return check;
}

/** The bound values of a statement. */
type Parameters = Readonly<Record<string, string | number | null>>;

/** Deletes rows inside the caller's transaction, and returns their number. `condition` follows WHERE. */
export function deleteRows(database: Database, table: string, condition: string, parameters: Parameters): number {
  const statement = database.prepare(`DELETE FROM ${table} WHERE ${condition}`);
  return deleting(database, table, () => statement.run(parameters).changes);
}

/** Runs a statement that deletes rows of this table, inside the caller's transaction. */
export function deleting<T>(database: Database, table: string, action: () => T): T {
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
function despiteDamage<T>(database: Database, table: string, action: () => T): T {
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
