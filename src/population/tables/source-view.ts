/** Creates the view of the columns that are read, and finds its bad rows. */
import { type BadRows, WORST_ROWS } from '../import/bad-rows.ts';
import type { ColumnPlan } from '../kinds/column-plan.ts';
import { RowSet } from '../read/row-set.ts';
import { type Database, numberOf, textOf } from './database.ts';
import { rowErrors, type Tables } from './open-tables.ts';

/**
 * Creates the view `source` over `tables`: `row`, and for each plan the raw column (r0, r1 ..) and its value (c0, c1
 * ..).
 */
export async function createSource(database: Database, plans: readonly ColumnPlan[]): Promise<void> {
  const columns = plans.flatMap(({ raw, value }, i) => [`${raw} AS r${i}`, `${fill(value, `(${raw})`)} AS c${i}`]);
  await database.run(`CREATE TEMP VIEW source AS SELECT "row", ${columns.join(', ')} FROM tables`);
}

/** Finds the bad rows of `source` and adds them to `badRows`, which throws if there are too many. */
export async function findBadRows(
  database: Database,
  tables: Tables,
  plans: readonly ColumnPlan[],
  badRows: BadRows,
  onPercent?: (percent: number) => void,
): Promise<RowSet> {
  const faults = plans.flatMap((plan, column) => plan.faults.map((fault) => ({ ...fault, column })));
  const which = faults.map(({ when, column }, i) => `WHEN ${fill(when, `r${column}`, `c${column}`)} THEN ${i}`);
  const shown = plans.map((_, i) => `WHEN ${i} THEN left(r${i}::VARCHAR, 80)`);
  const columns = faults.map(({ column }, i) => `WHEN ${i} THEN ${column}`);
  const limit = Math.max(badRows.maximum - badRows.count + 1, WORST_ROWS);
  const found = await database.rows(
    `SELECT "row", fault, CASE CASE fault ${columns.join(' ')} END ${shown.join(' ')} END AS shown
     FROM (SELECT *, CASE ${which.join(' ')} END AS fault FROM source) WHERE fault IS NOT NULL LIMIT ${limit}`,
    onPercent,
  );
  const bad = found.map((row) => ({
    row: numberOf(row, 'row'),
    message: faults[numberOf(row, 'fault')]!.message.replace('{shown}', JSON.stringify(textOf(row, 'shown'))),
  }));
  bad.sort((a, b) => a.row - b.row);
  const rows = new RowSet();
  for (const { row } of bad) rows.add(row);
  badRows.addAll(await rowErrors(tables, bad));
  return rows;
}

function fill(sql: string, raw: string, value = ''): string {
  return sql.replaceAll('{raw}', raw).replaceAll('{value}', value);
}
