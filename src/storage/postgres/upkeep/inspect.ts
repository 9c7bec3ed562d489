/** Inspects a database without changing it, whether or not services are running. */
import type { KeyCounts, StoreContents, StoreInspection } from '../../../domain/ports/store.ts';
import { COUNT_KEYS } from '../../sql/api-keys.ts';
import { examineDatabase, refuseUnusable } from '../cluster/examine-database.ts';
import { newClient } from '../database/driver.ts';
import { databaseError } from '../database/errors.ts';
import { readSteps, readVersion } from '../database/migrations.ts';
import { bindNames } from '../database/statement.ts';

/** @throws AppError storage_failed, unavailable; invalid_argument if a newer version has migrated the database */
export async function inspectDatabase(url: string, now: number): Promise<StoreInspection> {
  // several services may use a database, so it is never locked
  return { isTaken: false, contents: await readContents(url, now), stranded: null, saved: [], setAside: [] };
}

/**
 * Throws if the store cannot be opened: without a connection, if a newer version has migrated the database, or if
 * the server cannot be used.
 * @throws AppError invalid_argument, storage_failed, unavailable
 */
export async function requireUsable(url: string): Promise<void> {
  const steps = readSteps();
  const facts = await examineDatabase(url);
  const version = await withClient(url, (client) => readVersion(client, steps));
  refuseUnusable(facts, version < steps.at(-1)!.number);
}

async function readContents(url: string, now: number): Promise<StoreContents | null> {
  return withClient(url, async (client) => {
    const steps = readSteps();
    const version = await readVersion(client, steps);
    if (version === 0) return null;
    const { rows } = await client.query(
      `SELECT pg_database_size(current_database()) AS "sizeBytes", (SELECT count(*) FROM campaigns) AS campaigns`,
    );
    const keys = await client.query(bindNames(COUNT_KEYS, { now }));
    return {
      ...{ version, newestVersion: steps.at(-1)!.number },
      ...{ sizeBytes: rows[0].sizeBytes as number, campaigns: rows[0].campaigns as number },
      // Postgres verifies its pages when it reads them
      ...{ damage: null, faults: [], isChecked: false, keys: keys.rows[0] as KeyCounts },
    };
  });
}

async function withClient<T>(url: string, work: (client: ReturnType<typeof newClient>) => Promise<T>): Promise<T> {
  const client = newClient(url);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw databaseError(error);
  } finally {
    await client.end().catch(() => {});
  }
}
