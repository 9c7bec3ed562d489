/** The rows of a data folder's database. */
import { join } from 'node:path';
import { TABLES } from '../../../src/storage/migrate/tables.ts';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';

/** All rows of a data folder's database by table. What differs between any two stores is left out. */
export function rowsOf(folder: string): Record<string, unknown[]> {
  const database = connect(join(folder, 'metaheac.db'), { readonly: true });
  try {
    const own = { generation: '', database_id: '' };
    const rows = (name: string, key: string) =>
      database.prepare(`SELECT * FROM ${name} ORDER BY ${key}`).all() as object[];
    const entries = TABLES.map(({ name, key }) => [name, rows(name, key.join())] as const);
    const tables = Object.fromEntries(entries);
    tables['installation'] = tables['installation']!.map((row) => ({ ...row, ...own }));
    // leases end
    tables['jobs'] = tables['jobs']!.map((row) => ({ ...row, lease_until: null }));
    const sequences = database.prepare('SELECT name, seq FROM sqlite_sequence WHERE seq > 0 ORDER BY name').all();
    return { ...tables, sequences };
  } finally {
    database.close();
  }
}

/** Halves of surrogate pairs become U+FFFD in JSON on Postgres, but not in stored responses, which are text. */
export function withoutHalves({ idempotency_keys, ...rows }: Record<string, unknown[]>): object {
  return { idempotency_keys, ...JSON.parse(JSON.stringify(rows).replaceAll('\\\\ud800', '\uFFFD')) };
}
