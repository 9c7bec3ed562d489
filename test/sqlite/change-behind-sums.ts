/** Changes a value of a row as a flipped bit does: its checksum stays that of the row with `original`. */
import { expect } from 'vitest';
import { KEPT_SUM, rowSum, Sqlite } from '../../src/sqlite/driver.ts';

export function changeBehindSums(
  file: string,
  [table, column]: readonly [table: string, column: string],
  [before, after]: readonly [before: string, after: string],
  original = before,
): void {
  const database = new Sqlite(file, { timeout: 5000 });
  const asBefore = (...values: unknown[]) =>
    rowSum(...values.map((value) => (value === after || value === before ? original : value)));
  database.function(KEPT_SUM, { deterministic: true, varargs: true }, asBefore);
  database.pragma('trusted_schema = ON');
  database.pragma('ignore_check_constraints = ON');
  const { changes } = database
    .prepare(`UPDATE ${table} SET ${column} = @after WHERE ${column} = @before`)
    .run({ before, after });
  database.close();
  expect(changes, `${table}.${column}`).toBe(1);
}
