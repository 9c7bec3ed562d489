/** Copies rows table by table, and compares both stores afterwards. */
import { createHash } from 'node:crypto';
import { AppError } from '../../lib/errors.ts';
import { type CopiedTable, keyOf, type RowReader, type RowStore } from './row-store.ts';
import type { Row, Value } from './tables.ts';

/** Maximum number of rows that are read, and written in one transaction. */
const ROWS_AT_ONCE = 1_000;

/** The rows of a table: how many there are, and the sum of the sha256 of all, which does not depend on their order. */
export interface TableSum {
  readonly table: string;
  readonly rows: number;
  readonly sum: string;
}

/** Copies the rows that the target does not have. `onRows` is called with the number of each slice. */
export async function copyRows(
  from: RowReader,
  to: RowStore,
  tables: readonly CopiedTable[],
  onRows: (table: string, rows: number) => void,
): Promise<void> {
  for (const table of tables) {
    if (table.isCleared) await to.clear(table);
    for await (const rows of slicesOf(from, table, await startOf(to, table))) {
      await to.insert(table, rows.map(changer(table)));
      onRows(table.name, rows.length);
    }
  }
  await to.setSequences(await from.sequences());
}

/** Where the copy of a table begins: the key of the last row that arrived for certain. */
async function startOf(to: RowStore, table: CopiedTable): Promise<readonly Value[] | null> {
  const highest = table.resume === 'anew' ? null : await to.highest(table);
  if (highest === null) return null;
  // every row with this number comes after one with an empty rest of the key
  return table.resume === 'after' ? [highest] : [highest, ...table.key.slice(1).map((name) => lowestOf(table, name))];
}

function lowestOf({ columns }: CopiedTable, name: string): Value {
  return columns.find((column) => column.name === name)!.type === 'text' ? '' : 0;
}

async function* slicesOf(
  from: RowReader,
  table: CopiedTable,
  start: readonly Value[] | null = null,
): AsyncGenerator<readonly Row[]> {
  for (let after = start; ; ) {
    const rows = await from.read(table, after, ROWS_AT_ONCE);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_AT_ONCE) return;
    after = keyOf(table, rows.at(-1)!);
  }
}

function changer({ columns, changed = {} }: CopiedTable): (row: Row) => Row {
  const changes = columns.map(({ name }) => changed[name]);
  return (row) => row.map((value, i) => changes[i]?.(value) ?? value);
}

/**
 * Compares all rows and the highest numbers of both stores. Returns the sums of the tables.
 * @throws AppError storage_failed that names the tables that differ
 */
export async function compareRows(
  from: RowReader,
  to: RowReader,
  tables: readonly CopiedTable[],
  onTable: (table: string) => void,
): Promise<readonly TableSum[]> {
  const [sums, differing]: [TableSum[], string[]] = [[], []];
  const [given, arrived] = [await from.sequences(), await to.sequences()];
  for (const table of tables) {
    onTable(table.name);
    const [expected, found] = [await sumOf(from, table), await sumOf(to, table)];
    sums.push(expected);
    if (expected.rows !== found.rows) differing.push(`${table.name} (${expected.rows} and ${found.rows} rows)`);
    else if (expected.sum !== found.sum) differing.push(`${table.name} (other values)`);
    else if (given.get(table.name) !== arrived.get(table.name)) differing.push(`${table.name} (other highest number)`);
  }
  if (differing.length === 0) return sums;
  throw new AppError(
    'storage_failed',
    `the copy differs from its source in ${differing.join(', ')}: one of them was changed during the copy, or before ` +
      'it went on; remove the copy and begin again',
  );
}

async function sumOf(store: RowReader, table: CopiedTable): Promise<TableSum> {
  const change = changer(table);
  let [rows, sum] = [0, 0n];
  for await (const slice of slicesOf(store, table)) {
    rows += slice.length;
    for (const row of slice) sum += hashOf(change(row));
  }
  return { table: table.name, rows, sum: BigInt.asUintN(256, sum).toString(16).padStart(64, '0') };
}

function hashOf(row: Row): bigint {
  return BigInt(`0x${createHash('sha256').update(JSON.stringify(row)).digest('hex')}`);
}
