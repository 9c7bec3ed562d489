/** Examines a database for `doctor` and before a start, without changing anything. */
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { PostgresDatabase } from '../database/database.ts';
import { requireSessions } from './sessions.ts';

/** Oldest version of Postgres that stores are tested with. */
const LEAST_POSTGRES = 16;

export interface DatabaseFacts {
  /** Version of the server, such as `17.2`. */
  readonly serverVersion: string;
  /** The oldest major version that can be used. */
  readonly leastVersion: number;
  /** Whether the server is a standby, which accepts no writes. */
  readonly isStandby: boolean;
  /** Whether this user may create tables in the schema `public`. */
  readonly mayMigrate: boolean;
  /** How far the machine's clock is ahead of the database's, in milliseconds. */
  readonly aheadMs: number;
  /** The server's maximum number of connections, and how many are open. */
  readonly connections: { readonly most: number; readonly open: number };
  /** Whether the connection is encrypted. */
  readonly isEncrypted: boolean;
}

/** @throws AppError unavailable, storage_failed, invalid_argument (a pooler that shares sessions) */
export async function examineDatabase(url: string): Promise<DatabaseFacts> {
  await requireSessions(url);
  const database = new PostgresDatabase(url, 1);
  try {
    const asked = systemClock.elapsed();
    const row = await database.get<Omit<DatabaseFacts, 'leastVersion' | 'aheadMs' | 'connections'> & Counts>(
      `SELECT current_setting('server_version') AS "serverVersion", pg_is_in_recovery() AS "isStandby",
         has_schema_privilege('public', 'CREATE') AS "mayMigrate",
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
         current_setting('max_connections')::int AS most, (SELECT count(*) FROM pg_stat_activity) AS open,
         coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS "isEncrypted"`,
    );
    const { now, most, open, ...facts } = row!;
    const aheadMs = systemClock.now() - (systemClock.elapsed() - asked) / 2 - now;
    return { ...facts, leastVersion: LEAST_POSTGRES, aheadMs, connections: { most, open } };
  } finally {
    await database.close();
  }
}

/**
 * Refuses a server on which no process of a cluster can work. `isBehind` is whether the database must be migrated.
 * @throws AppError invalid_argument, unavailable (a standby)
 */
export function refuseUnusable({ serverVersion, isStandby, mayMigrate }: DatabaseFacts, isBehind: boolean): void {
  if (Number.parseInt(serverVersion, 10) < LEAST_POSTGRES)
    throw new AppError(
      'invalid_argument',
      `the database is Postgres ${serverVersion}: use Postgres ${LEAST_POSTGRES} or newer`,
    );
  if (isStandby) throw new AppError('unavailable', 'the database is a standby, which takes no writes: use the primary');
  if (isBehind && !mayMigrate)
    throw new AppError(
      'invalid_argument',
      'the database must be migrated, but its user has no right to make tables: grant CREATE on the schema public',
    );
}

interface Counts {
  readonly now: number;
  readonly most: number;
  readonly open: number;
}
