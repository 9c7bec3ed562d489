/** Changes a value as a bit flip does: the checksum stays that of the row with `original`. `only` selects rows. */
import Sqlite from 'better-sqlite3';
import { expect } from 'vitest';
import { KEPT_SUM, rowSum } from '../../../src/storage/sqlite/database/driver.ts';

export function changeBehindSums(
  file: string,
  [table, column]: readonly [table: string, column: string],
  [before, after]: readonly [before: string, after: string],
  { original = before, only = '1' }: { readonly original?: string; readonly only?: string } = {},
): void {
  const database = new Sqlite(file, { timeout: 5000 });
  const asBefore = (...values: unknown[]) =>
    rowSum(...values.map((value) => (value === after || value === before ? original : value)));
  database.function(KEPT_SUM, { deterministic: true, varargs: true }, asBefore);
  database.pragma('trusted_schema = ON');
  database.pragma('ignore_check_constraints = ON');
  // triggers protect rows from changes, but not from bit flips
  const triggers = database
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = @table")
    .all({ table }) as { readonly name: string; readonly sql: string }[];
  const { changes } = database.transaction(() => {
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
    const update = database.prepare(`UPDATE ${table} SET ${column} = @after WHERE ${column} = @before AND ${only}`);
    const result = update.run({ before, after });
    for (const { sql } of triggers) database.exec(sql);
    return result;
  })();
  database.close();
  expect(changes, `${table}.${column}`).toBe(1);
}
