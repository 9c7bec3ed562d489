/** All that is checked of a database: what `verify`, the scrubber and `doctor` say of it. */
import type { DamagedRow } from '../../domain/ports/upkeep.ts';
import type { Database } from './driver.ts';
import { findDamagedRows, isOfSums, schemaFaults } from './row-sums.ts';

/** In sentences; none where it is whole. Of a database of this version, beside a service or without one. */
export function databaseFaults(database: Database): string[] {
  const damaged = drain(findDamagedRows(database));
  const tables = new Set(damaged.filter(({ id }) => id !== '').map(({ table }) => table));
  const rows = database.prepare('PRAGMA integrity_check').pluck().all() as string[];
  const lost = database.prepare('PRAGMA foreign_key_check').all() as { table: string; parent: string }[];
  return [
    ...damaged.map(describeRow),
    ...rows.filter((row) => row !== 'ok' && !isOfSums(row, tables)),
    ...schemaFaults(database),
    ...lost.map(({ table, parent }) => `a row of ${table} refers to a row of ${parent} that is not there`),
  ];
}

function describeRow({ table, id }: DamagedRow): string {
  const row = id === '' ? 'a row' : `row ${id}`;
  return `${row} of ${table} is not as it was written (its checksum differs): restore a backup, or compare the row with one`;
}

function drain<T>(slices: Generator<unknown, T, void>): T {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value as T;
  }
}
