/**
 * Deletes rows, damaged ones too. SQLite refuses to delete a row that it does not find in an index, and a row that is
 * not as it was written is in none: its checksum is another one.
 */
import { asKept, type Database } from './driver.ts';
import { isCorrupt, keptSums } from './row-sums.ts';

/** What a statement binds. */
type Parameters = Readonly<Record<string, string | number | null>>;

/** Returns how many rows were deleted; runs inside the caller's transaction. `condition` is what follows WHERE. */
export function deleteRows(database: Database, table: string, condition: string, parameters: Parameters): number {
  const statement = database.prepare(`DELETE FROM ${table} WHERE ${condition}`);
  return deleting(database, table, () => statement.run(parameters).changes);
}

/** Runs a statement that deletes rows of this table; runs inside the caller's transaction. */
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
 * Makes the table's indexes anew when `action` has deleted what they do not find. Rows that stay keep the sums that
 * were kept of them, so one that is damaged stays known as damaged.
 */
function despiteDamage<T>(database: Database, table: string, action: () => T): T {
  return asKept(database, keptSums(database, table), () => {
    // only so does SQLite pass over what an index does not have
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
