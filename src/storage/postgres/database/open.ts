/** Opens a database of this version, after its migrations. */
import type { Tracking } from './announcements.ts';
import { PostgresDatabase } from './database.ts';
import { migrate } from './migrations.ts';

/**
 * Migrates the database that a URL names, and opens it. Any number of processes may do so at once.
 * @throws AppError storage_failed, unavailable; invalid_argument if a newer version has migrated the database
 */
export async function openDatabase(url: string, tracking?: Tracking): Promise<PostgresDatabase> {
  await migrate(url);
  return new PostgresDatabase(url, undefined, tracking);
}
