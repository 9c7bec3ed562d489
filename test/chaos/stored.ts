/** Reads the database of a data folder while the service is running. */
import { join } from 'node:path';
import { connect } from '../../src/storage/sqlite/database/driver.ts';

/** An audience version and its ranking's folder. */
export interface StoredVersion {
  /** The campaign's id. */
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** Relative to the data folder. */
  readonly folder: string;
  readonly isActive: 0 | 1;
}

const VERSIONS = `SELECT c.id, c.name, a.version, a.folder, a.version IS c.active_version AS isActive
  FROM audiences a JOIN campaigns c ON c.number = a.campaign`;

export function storedVersions(dataDir: string): StoredVersion[] {
  return query<StoredVersion>(dataDir, VERSIONS);
}

/** The rows of a statement, as of one moment. */
export function query<T>(dataDir: string, sql: string): T[] {
  const database = connect(join(dataDir, 'metaheac.db'), { readonly: true, timeout: 5000 });
  try {
    return database.prepare(sql).all() as T[];
  } finally {
    database.close();
  }
}
